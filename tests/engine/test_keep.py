"""Which parked partitions stand where the group has them, while transactions come to their end."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from aiokafka import TopicPartition

from app.engine import acquire
from app.engine.acquire import Acquisition, Held

SOURCES = ("clicks", "purchases")
Offsets = Mapping[int, int]


class FakeThread:
    """`answers`: each partition's committed offset of all topics, look by look; the last for ever.

    `read`: where partitions are read on.
    """

    def __init__(self, *answers: Offsets) -> None:
        self._answers = answers
        self.looks = 0
        self.read: dict[TopicPartition, int] = {}
        self.held: set[TopicPartition] = set()

    async def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self.held |= set(partitions)

    async def heartbeat(self) -> None:
        """Say yes."""

    async def committed(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        answer = self._answers[min(self.looks, len(self._answers) - 1)]
        self.looks += 1
        return {tp: answer[tp.partition] for tp in tps if tp.partition in answer}

    async def activate(self, positions: Mapping[TopicPartition, int]) -> None:
        self.read.update(positions)


async def keep(thread: FakeThread, own: Offsets) -> set[int]:
    """`own`: the offset of all topics that each parked partition has committed; it read two on."""
    held = {
        number: Held(dict.fromkeys(SOURCES, at), dict.fromkeys(SOURCES, at + 2))
        for number, at in own.items()
    }
    nothing: Any = MagicMock()
    kept = await Acquisition(nothing, cast("Any", thread), SOURCES, nothing).keep(held)
    assert thread.held == {TopicPartition(topic, number) for topic in SOURCES for number in own}
    assert thread.read == {
        TopicPartition(topic, number): own[number] + 2 for topic in SOURCES for number in kept
    }
    return kept


async def test_a_commit_whose_markers_are_still_on_their_way_is_waited_for() -> None:
    thread = FakeThread({0: 5, 1: 6}, {0: 7, 1: 6}, {0: 7, 1: 9})
    assert await keep(thread, {0: 7, 1: 9}) == {0, 1}
    assert thread.looks == 3


async def test_what_another_has_committed_is_let_go_without_waiting() -> None:
    thread = FakeThread({0: 8, 1: 9}, {0: 7, 1: 9})
    assert await keep(thread, {0: 7, 1: 9}) == {1}
    assert thread.looks == 1


async def test_what_the_group_knows_nothing_of_is_let_go_without_waiting() -> None:
    thread = FakeThread({1: 9}, {0: 7, 1: 9})
    assert await keep(thread, {0: 7, 1: 9}) == {1}
    assert thread.looks == 1


async def test_offsets_that_stay_behind_are_let_go_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acquire, "_MARKERS_SECONDS", 0.1)
    assert await keep(FakeThread({0: 5, 1: 9}), {0: 7, 1: 9}) == {1}
