"""Timers: exact to the millisecond, after a restart too, and no member is looked at in vain."""

import random

from tables.rules import MINUTE
from tables.slots import SlotRow, index_table
from tables.timers import NEVER, Timers
from tests.tables.making import NOTES, CountingStore, Stored

INDEX = index_table("timers", b"T")


class Table:
    """Members `m0`, `m1`, ... whose rows hold their due time, and who was looked at when."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.rows = stored.rows(NOTES)
        self.timers = Timers(stored.rows(INDEX), self.due_of)
        stored.keep(self.timers)
        self.looks: list[tuple[int, str]] = []
        self.now = 0

    def due_of(self, member: str) -> int:
        row = self.rows.get(int(member[1:]))
        return NEVER if row is None or not row.numbers else int(row.numbers[0])

    def set(self, member: str, due: int) -> None:
        before = self.due_of(member)
        self.timers.enter(member, due, before)
        self.rows.edit(int(member[1:])).numbers = [due]

    def look_at(self, member: str) -> None:
        assert self.due_of(member) < self.now
        self.looks.append((self.due_of(member), member))
        self.rows.edit(int(member[1:])).numbers = []

    def sweep(self, now: int, limit: int = 10**6) -> list[tuple[int, str]]:
        self.now, self.looks = now, []
        self.timers.sweep(now, self.look_at, limit)
        return self.looks


def test_due_to_the_millisecond() -> None:
    table = Table(Stored())
    for member, due in (("m1", 5 * MINUTE), ("m2", 5 * MINUTE + 1), ("m3", 5 * MINUTE - 1)):
        table.set(member, due)
    assert table.sweep(5 * MINUTE - 1) == []
    assert table.sweep(5 * MINUTE) == [(5 * MINUTE - 1, "m3")]
    assert table.timers.overdue(5 * MINUTE + 1)
    assert table.sweep(5 * MINUTE + 1) == [(5 * MINUTE, "m1")]
    assert not table.timers.overdue(5 * MINUTE + 1)
    assert table.sweep(5 * MINUTE + 2) == [(5 * MINUTE + 1, "m2")]


def test_the_earlier_time_counts_and_the_later_is_no_second_look() -> None:
    table = Table(Stored())
    for due in (9 * MINUTE, 5 * MINUTE + 3, 5 * MINUTE + 2, 5 * MINUTE + 1):
        table.set("m1", due)
    assert table.sweep(5 * MINUTE + 2) == [(5 * MINUTE + 1, "m1")]
    assert table.sweep(20 * MINUTE) == []
    table.stored.commit()
    assert table.stored.count(INDEX) == 0


def test_a_bounded_number_at_a_time() -> None:
    table = Table(Stored())
    for number in range(5):
        table.set(f"m{number}", 10 * MINUTE + number)
    first = table.sweep(30 * MINUTE, limit=2)
    assert table.timers.overdue(30 * MINUTE)
    rest = table.sweep(30 * MINUTE, limit=9)
    assert [member for _, member in first + rest] == ["m0", "m1", "m2", "m3", "m4"]


def test_random_times_restarts_and_transactions_that_are_taken_back() -> None:
    dice = random.Random(3)
    table, wanted, now = Table(Stored(cache_rows=1)), dict[str, int](), 0
    committed = dict[str, int]()
    for _ in range(3000):
        now += dice.choice([0, 1, 500, 20_000])
        for _ in range(dice.randrange(3)):
            member = f"m{dice.randrange(12)}"
            due = now + dice.choice([0, 1, 300, MINUTE, 5 * MINUTE])
            table.set(member, due)
            wanted[member] = due
        due_now = {(due, member) for member, due in wanted.items() if due < now}
        assert set(table.sweep(now)) == due_now
        wanted = {member: due for member, due in wanted.items() if due >= now}
        if dice.random() < 0.2:
            table.stored.discard()
            wanted = committed.copy()
        else:
            table.stored.commit()
            committed = wanted.copy()
        if dice.random() < 0.1:
            table = Table(table.stored.restarted())
    assert table.stored.count(INDEX) < 30


def test_full_rows_of_a_slot_are_sealed() -> None:
    stored = Stored()
    table = Table(stored)
    for number in range(3000):
        table.set(f"m{number}", MINUTE + number % 7)
    stored.commit()
    rows = [len(SlotRow.decode(data).members) for _, data in stored.store.scan(b"T", b"U")]
    assert sum(rows) == 3000
    assert max(rows) < 2500
    table = Table(stored.restarted())
    assert len(table.sweep(3 * MINUTE)) == 3000
    table.stored.commit()
    assert table.stored.count(INDEX) == 0


def test_a_restart_reads_nothing_of_times_ahead() -> None:
    store = CountingStore()
    table = Table(Stored(store=store))
    for number in range(20_000):
        table.set(f"m{number}", MINUTE + number)
    table.stored.commit()
    table = Table(table.stored.restarted())
    store.reads = 0
    assert not table.timers.overdue(MINUTE)
    table.set("m1", MINUTE + 7)
    assert store.reads < 10
    assert table.sweep(MINUTE + 3) == [(MINUTE, "m0"), (MINUTE + 2, "m2")]


def test_what_is_much_is_loaded_with_stops_between_which_nothing_is_lost() -> None:
    table = Table(Stored())
    for number in range(5000):
        table.set(f"m{number}", 2 * MINUTE + number)
    table.stored.commit()
    table = Table(table.stored.restarted())
    broken_off = table.timers.load(3 * MINUTE)
    next(broken_off)
    del broken_off
    assert sum(1 for _ in table.timers.load(3 * MINUTE)) > 3
    assert list(table.timers.load(3 * MINUTE)) == []
    assert table.sweep(3 * MINUTE) == [
        (2 * MINUTE + number, f"m{number}") for number in range(5000)
    ]
