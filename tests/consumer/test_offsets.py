"""Whatever the order of finishing, nothing unfinished is committed past."""

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from app.consumer.offsets import Offsets

PLACE = TopicPartition("t", 0)


@given(st.lists(st.integers(0, 200), unique=True).map(sorted), st.data())
def test_an_offset_is_due_only_when_all_before_it_are_finished(
    offsets: list[int], data: st.DataObject
) -> None:
    """Offsets with holes, as compaction leaves them; markers behind the last one."""
    held = Offsets()
    held.start(PLACE, 0, None)
    held.read(PLACE, offsets, 205)
    done: set[int] = set()
    for offset in data.draw(st.permutations(offsets)):
        held.finish(PLACE, offset)
        done.add(offset)
        unfinished = [at for at in offsets if at not in done]
        assert held.due() == {PLACE: min(unfinished, default=205)}


def test_what_is_committed_is_not_due_again() -> None:
    held = Offsets()
    held.start(PLACE, 5, 5)
    assert held.due() == {}
    held.read(PLACE, [5, 6], 7)
    assert held.due() == {}
    held.finish(PLACE, 5)
    held.finish(PLACE, 5)
    assert (held.due(), held.finished) == ({PLACE: 6}, 1)
    held.committed({PLACE: 6})
    assert (held.due(), held.finished) == ({}, 0)


def test_a_first_commit_is_due_before_anything_is_read() -> None:
    held = Offsets()
    held.start(PLACE, 9, None)
    assert held.due() == {PLACE: 9}


def test_a_partition_that_is_gone_takes_nothing_more() -> None:
    held = Offsets()
    held.start(PLACE, 0, None)
    held.read(PLACE, [0, 1], 2)
    held.clear()
    held.finish(PLACE, 0)
    held.committed({PLACE: 1})
    assert (held.due(), held.read_to()) == ({}, {})
