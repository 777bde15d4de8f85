"""The counts of what was set aside."""

from hypothesis import given
from hypothesis import strategies as st

from app.engine.counting import Dead, Late, count
from tables.set_aside import SET_ASIDE, SetAside, SetAsideFold, view
from tests.tables.making import Stored

names = st.sampled_from(["a", "b", "c"])
found = st.one_of(st.builds(Late, names), st.builds(Dead, names, names))


@given(st.lists(st.lists(found, max_size=6), max_size=4))
def test_every_one_is_counted_across_commits(transactions: list[list[Late | Dead]]) -> None:
    stored = Stored()
    for transaction in transactions:
        count(transaction, SetAsideFold(stored.rows(SET_ASIDE)))
        stored.commit()
        stored = Stored(store=stored.store)
    everything = [one for transaction in transactions for one in transaction]
    counts = view(SET_ASIDE.reader(stored.store))
    for name in "abc":
        assert counts.late.get(name, 0) == everything.count(Late(name))
        for reason in "abc":
            wanted = everything.count(Dead(name, reason))
            assert counts.dead.get(name, {}).get(reason, 0) == wanted


def test_a_partition_without_any() -> None:
    assert view(SET_ASIDE.reader(Stored().store)) == SetAside({}, {})
