"""Assignments and revocations of an engine whose partitions do nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.engine.engine import Assignment
from app.engine.errors import LostError
from app.engine.owner import Owner
from app.engine.partition_task import PartitionTask
from tests.engine.engine_parts import FakeEngine, swallow


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeEngine]:
    made = FakeEngine()

    async def acquire(owner: Owner) -> PartitionTask:
        return await made.acquire(owner)

    monkeypatch.setattr(Owner, "_acquire", acquire)
    yield made
    async with asyncio.timeout(20):
        await made.close()


async def test_stop_during_a_revocation_waits_for_the_commit_in_hand(engine: FakeEngine) -> None:
    """Faust's revocation and the worker's stop come at the same time."""
    await engine.given(0, generation=1)
    engine.made[0].may_commit.clear()
    revocation = asyncio.create_task(engine.park())
    await engine.made[0].asked.wait()
    stop = asyncio.create_task(engine.close())
    for _ in range(10):
        await asyncio.sleep(0)
    assert "committed" not in engine.log
    assert "store 0 closed" not in engine.log
    engine.made[0].may_commit.set()
    async with asyncio.timeout(20):
        await asyncio.gather(revocation, stop)
    assert engine.log.index("committed") < engine.log.index("writer closed")
    assert engine.log[-1] == "store 0 closed"


async def test_a_partition_that_stays_goes_on_where_it_was(engine: FakeEngine) -> None:
    await engine.given(0, 1, generation=4)
    await engine.park()
    assert engine.tasks == {}
    assert engine.store(0) is None
    await engine.given(1, generation=5)
    assert engine.log.count("acquire 1") == 1
    assert [id(task) for task in engine.tasks.values()] == [id(engine.made[1])]
    assert "store 0 closed" in engine.log
    assert engine.log[-2:] == ["goes on", "fetch 1"]


@pytest.mark.parametrize("generation", [4, 6])
async def test_after_a_generation_without_it_all_is_acquired_anew(
    engine: FakeEngine, generation: int
) -> None:
    await engine.given(0, generation=4)
    await engine.park()
    await engine.given(0, generation=generation)
    assert engine.log.count("acquire 0") == 2
    assert [id(task) for task in engine.tasks.values()] == [id(engine.made[1])]


async def test_an_assignment_that_was_never_taken_ends_what_was_parked(engine: FakeEngine) -> None:
    """In it the partition may have been another's."""
    await engine.given(0, generation=4)
    await engine.park()
    missed = Assignment(frozenset(), frozenset(), 5, engine.revocations)
    await engine.park()
    await engine.assign(missed)
    await engine.given(0, generation=6)
    assert engine.log.count("acquire 0") == 2


async def test_offsets_that_another_has_committed_end_what_was_parked(engine: FakeEngine) -> None:
    await engine.given(0, generation=4)
    await engine.park()
    engine.acquisition.committed = {"clicks": 8}
    await engine.given(0, generation=5)
    assert engine.log.count("acquire 0") == 2


async def test_a_partition_lost_at_its_last_commit_is_acquired_anew(engine: FakeEngine) -> None:
    await engine.given(0, generation=4)
    engine.made[0].fail = LostError("fenced")
    await engine.park()
    assert engine.log.count("acquire 0") == 1
    await engine.given(0, generation=5)
    assert engine.log.count("acquire 0") == 2


async def test_nothing_is_owned_by_an_assignment_that_is_revoked(engine: FakeEngine) -> None:
    old = Assignment(frozenset({0}), frozenset(), 4, engine.revocations)
    await engine.park()
    await engine.assign(old)
    assert engine.tasks == {}
    assert engine.log == []


async def test_a_standby_ends_before_its_partition_is_acquired(engine: FakeEngine) -> None:
    await engine.given(0, generation=4, standbys=(1,))
    async with asyncio.timeout(20):
        await engine.acquisition.caught_up.wait()
    assert engine.store(1) is None
    await engine.park()
    await engine.given(0, 1, generation=5)
    assert engine.standbys.numbers == set()
    assert "store 1 closed" not in engine.log
    assert set(engine.tasks) == {0, 1}


async def test_an_acquisition_that_is_not_to_be_cancelled_owns_nothing(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.given(0, generation=4)
    again = asyncio.Event()

    async def acquire(owner: Owner) -> PartitionTask:
        again.set()
        await swallow(2)
        return await engine.acquire(owner)

    monkeypatch.setattr(Owner, "_acquire", acquire)
    engine.made[0].fail = LostError("fenced")
    engine.made[0].asked.set()
    async with asyncio.timeout(20):
        await again.wait()
        await engine.park()
    assert engine.tasks == {}
    assert engine.store(0) is None


async def test_a_standby_that_is_not_to_be_cancelled_ends(engine: FakeEngine) -> None:
    engine.acquisition.swallows = 1
    await engine.given(0, generation=4, standbys=(1,))
    async with asyncio.timeout(20):
        await engine.acquisition.caught_up.wait()
        await engine.given(0, 1, generation=5)
    assert engine.standbys.numbers == set()
    assert set(engine.tasks) == {0, 1}
