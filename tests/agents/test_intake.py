"""What an intake says of its records: how many are committed, and how old the next one is."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.intake import LARGE, Intake, is_large
from models.records import Record
from tests.agents.making import FakeRecord

step = st.one_of(
    st.tuples(st.just("receive"), st.integers(1, 700)),
    st.tuples(st.just("take"), st.integers(1, 900)),
    st.tuples(st.just("commit"), st.just(0)),
)


@given(st.lists(step, max_size=12))
def test_the_oldest_record_that_is_not_committed(steps: list[tuple[str, int]]) -> None:
    intake: Intake[FakeRecord] = Intake("t", list)  # type: ignore[arg-type]
    received = taken = committed = 0
    for what, number in steps:
        if what == "receive":
            places = range(received, received + number)
            records = [FakeRecord("t", at, timestamp=at * 10) for at in places]
            intake.receive(records, 0.0)
            received += number
        elif what == "take":
            taken += len(intake.take(number))
        else:
            assert intake.committed() == taken - committed
            committed = taken
        waits = received > committed
        assert intake.oldest == (committed * 10 if waits else None)


sizes = st.lists(st.sampled_from([0, 10, LARGE - 1, LARGE, 3 * LARGE, 700_000]), min_size=1)


@given(st.lists(st.tuples(sizes, st.integers(1, 9)), max_size=6))
def test_bytes_that_are_held_and_large_records_among_those_taken(
    polls: list[tuple[list[int], int]],
) -> None:
    intake: Intake[Any] = Intake("t", list)
    offset, waiting = 0, 0
    for poll, count in polls:
        records = [FakeRecord("t", offset + n, value=b"x" * size) for n, size in enumerate(poll)]
        offset += len(records)
        intake.receive(records, 0.0, sum(poll), has_large=any(map(is_large, records)))
        waiting += sum(poll)
        taken: list[Any] = intake.take(count)
        waiting -= sum(len(record.value or b"") for record in taken)
        assert intake.held >= waiting - len(polls)
        assert intake.took_large() or not any(map(is_large, taken))
    while intake.take(1):
        pass
    assert intake.held == 0
    intake.took_large()
    assert not intake.took_large()


def test_large_records_are_decoded_one_by_one() -> None:
    decoded: list[int] = []

    def decode(records: Sequence[Record]) -> list[Any]:
        decoded.append(len(records))
        return list(records)

    intake: Intake[Any] = Intake("t", decode)
    records = [FakeRecord("t", n, value=b"x" * 700_000) for n in range(5)]
    intake.receive(records, 0.0, 3_500_000, has_large=True)
    assert len(intake.take(5)) == 5
    assert decoded == [1] * 5
