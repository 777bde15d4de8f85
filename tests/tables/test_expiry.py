"""The index by time: what is swept in a transaction that is taken back is swept again."""

import random

import pytest

from app.engine.store.memory import MemoryStore
from tables.expiry import Expiry, slot
from tables.rows import Rows
from tables.rules import MINUTE
from tables.slots import index_table
from tests.tables.making import CountingStore, Stored

TABLE = index_table("dues", b"d")
DUES = [slot(minute * MINUTE) for minute in range(3)]
PAST = DUES[-1] + 1


def swept(expiry: Expiry, now: int) -> list[str]:
    seen: list[str] = []
    expiry.sweep(now, seen.append)
    return seen


class Index:
    """An index of members `m0`, `m1`, `m2`, one for each of `DUES`, all committed."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.rows = Rows(TABLE, self.store)
        self.expiry = Expiry(self.rows)
        for number, due in enumerate(DUES):
            self.expiry.enter(f"m{number}", due)
        self.commit()

    def commit(self) -> None:
        self.store.write(list(self.rows.changes()), 0)
        self.rows.committed()

    def sweep(self) -> list[str]:
        return swept(self.expiry, PAST)


def test_what_is_swept_is_swept_once() -> None:
    index = Index()
    assert index.sweep() == ["m0", "m1", "m2"]
    index.commit()
    assert index.sweep() == []
    index.expiry.enter("again", DUES[0])
    assert index.sweep() == ["again"]


def test_a_sweep_that_is_taken_back_is_done_again() -> None:
    index = Index()
    assert index.sweep() == ["m0", "m1", "m2"]
    index.rows.discard()
    assert index.sweep() == ["m0", "m1", "m2"]


def test_a_sweep_that_raises_is_done_again() -> None:
    index = Index()

    def look_at(member: str) -> None:
        if member == "m2":
            raise RuntimeError(member)

    with pytest.raises(RuntimeError, match="m2"):
        index.expiry.sweep(PAST, look_at)
    index.rows.discard()
    assert index.sweep() == ["m0", "m1", "m2"]
    index.commit()
    assert index.sweep() == []


def test_random_times_restarts_and_transactions_that_are_taken_back() -> None:
    dice = random.Random(5)
    stored = Stored(cache_rows=1)
    expiry, now, at_commit = Expiry(stored.rows(TABLE)), 0, 0
    wanted, committed = list[tuple[int, str]](), list[tuple[int, str]]()
    for step in range(4000):
        now += dice.choice([0, 1, 500, MINUTE, 7 * MINUTE])
        for number in range(dice.randrange(3)):
            due = slot(now + dice.choice([-MINUTE, 0, MINUTE, 30 * MINUTE, 300 * MINUTE]))
            expiry.enter(f"{step}.{number}", due)
            wanted.append((due, f"{step}.{number}"))
        over = {member for due, member in wanted if due < now}
        assert sorted(swept(expiry, now)) == sorted(over)
        wanted = [entry for entry in wanted if entry[1] not in over]
        if dice.random() < 0.2:
            stored.discard()
            wanted, now = committed.copy(), at_commit
        else:
            stored.commit()
            committed, at_commit = wanted.copy(), now
            assert not expiry.overdue(now)
        if dice.random() < 0.1:
            stored = stored.restarted()
            expiry = Expiry(stored.rows(TABLE))
    assert swept(expiry, now + 400 * MINUTE)
    stored.commit()
    assert stored.count(TABLE) == 0


def test_a_restart_reads_nothing_of_times_ahead() -> None:
    store = CountingStore()
    stored = Stored(store=store)
    expiry = Expiry(stored.rows(TABLE))
    for number in range(50_000):
        expiry.enter(f"m{number}", slot(number % 9 * MINUTE))
    stored.commit()
    assert stored.count(TABLE) > 9
    store.reads = 0
    stored = stored.restarted()
    expiry = Expiry(stored.rows(TABLE))
    expiry.enter("again", slot(3 * MINUTE))
    assert not expiry.overdue(MINUTE)
    assert swept(expiry, MINUTE) == []
    assert store.reads < 10
