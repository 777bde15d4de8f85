"""What an intake says of its records: how many are committed, and how old the next one is."""

from hypothesis import given
from hypothesis import strategies as st

from agents.intake import Intake
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
