"""A partition whose work raises at commits: over fakes, whatever fails, wherever it lies."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.errors import LostError, StateError, TooLargeError
from app.engine.partition_parts import Pace
from app.engine.partition_task import BATCH
from tests.engine.failing_partition import ALWAYS, ATTEMPTS, Place, World, expected

PLACES = st.tuples(st.sampled_from(["t0", "t1", "t2"]), st.integers(0, 1999))


@given(
    st.lists(st.sampled_from([0, 1, 3, 70, 700, 2000]), min_size=3, max_size=3),
    st.dictionaries(PLACES, st.sampled_from([1, 2, ALWAYS]), max_size=6),
    st.lists(PLACES, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_whatever_always_fails_is_a_dead_letter_and_all_else_is_applied(
    counts: list[int], failing: dict[Place, int], bad: list[Place]
) -> None:
    world = World(counts, failing, bad)
    if not any(counts):
        return
    # A record that fails at times is blamed at most as often: two times are no three.
    assert asyncio.run(world.run()) == expected(world, failing)
    assert not world.task._pieces.active


def test_few_records_go_alone_and_all_is_normal_behind_the_failing_one() -> None:
    failing = {("t0", 300): ALWAYS}
    world = World([6 * BATCH, 6 * BATCH], failing, [])
    assert asyncio.run(world.run()) == expected(world, failing)
    sizes = [len(commit) for commit in world.commits]
    assert sizes.count(1) <= 2 * 8
    assert len(sizes) < 100
    assert max(sizes[sizes.index(1) :]) == max(sizes) > BATCH // 2, "the usual size again"


@pytest.mark.parametrize("times", [ATTEMPTS - 1, ATTEMPTS, ALWAYS])
def test_a_record_alone_is_tried_so_often(times: int) -> None:
    failing = {("t0", 0): times}
    world = World([1], failing, [])
    became = "applied" if times < ATTEMPTS else "handler"
    assert asyncio.run(world.run()) == {("t0", 0, became)}
    assert times - world.left["t0", 0] == min(times, ATTEMPTS)
    assert len(world.commits) == 1


def test_an_output_too_large_is_not_tried_again() -> None:
    failing = {("t0", 5): ALWAYS}
    world = World([9], failing, [])
    world.error = lambda at: TooLargeError(str(at))
    assert asyncio.run(world.run()) == expected(world, failing, "too-large")
    assert ALWAYS - world.left["t0", 5] == 2, "with the others, and by itself"


@pytest.mark.parametrize("counts", [[1], [40], [2000, 10]])
@pytest.mark.parametrize("bad", [[], [("t0", 0)]])
def test_a_commit_that_fails_without_any_record_stops_the_worker(
    counts: list[int], bad: list[Place]
) -> None:
    world = World(counts, {}, bad)
    world.fails_anyway = True
    with pytest.raises(RuntimeError, match="made to fail"):
        asyncio.run(world.run())
    assert not world.commits


@pytest.mark.parametrize("kind", [LostError, StateError])
def test_what_is_nobodys_fault_is_passed_on(kind: type[Exception]) -> None:
    world = World([40], {("t0", 3): 1}, [])
    world.error = lambda at: kind(str(at))
    with pytest.raises(kind):
        asyncio.run(world.run())
    assert not world.commits
    assert world.left["t0", 3] == 0, "it was tried once"


@pytest.mark.parametrize("leave", ["park", "stop"])
async def test_a_commit_that_fails_when_the_partition_is_left_loses_it(leave: str) -> None:
    world = World([40], {("t0", 3): ALWAYS}, [])
    world.task._pace = Pace(600.0, ALWAYS, ATTEMPTS)
    await world.release(0)
    running = asyncio.create_task(world.task.run())
    async with asyncio.timeout(60):
        await world.delivered.wait()
        if leave == "stop":
            world.task.stop()
        else:
            parking = asyncio.create_task(world.task.park())
        with pytest.raises(LostError, match="the commit raised RuntimeError"):
            await running
    if leave == "park":
        parking.cancel()
    assert not world.commits


@pytest.mark.parametrize("most", [1, 3, 40])
async def test_a_transaction_that_is_too_large_is_done_in_smaller_ones(most: int) -> None:
    world = World([300, 41], {}, [("t0", 7)])
    world.most = most
    assert await world.run() == expected(world, {})
    assert max(map(len, world.commits)) <= 8 * most + 1
