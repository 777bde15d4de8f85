"""The index by time: what is swept in a transaction that is taken back is swept again."""

import pytest

from app.engine.store.memory import MemoryStore
from tables.expiry import Expiry, slot
from tables.rows import Rows
from tables.slots import index_table

DUES = [slot(minute * 60_000) for minute in range(3)]
PAST = DUES[-1] + 1


class Index:
    """An index of members `m0`, `m1`, `m2`, one for each of `DUES`, all committed."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.rows = Rows(index_table("dues", b"d"), self.store)
        self.expiry = Expiry(self.rows)
        for number, due in enumerate(DUES):
            self.expiry.enter(f"m{number}", due)
        self.commit()

    def commit(self) -> None:
        self.store.write(list(self.rows.changes()), 0)
        self.rows.committed()

    def sweep(self) -> list[str]:
        seen: list[str] = []
        self.expiry.sweep(PAST, seen.append)
        return seen


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
