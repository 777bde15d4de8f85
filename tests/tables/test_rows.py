"""Live rows against a plain dictionary with copies: edits, savepoints, commits, scans."""

from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tables.making import NOTES, Stored

KEYS = st.integers(0, 6)
OPERATIONS = st.one_of(
    st.tuples(st.just("edit"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("put"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.sampled_from(["get", "glance"]), KEYS),
    st.tuples(st.just("scan"), KEYS, KEYS),
    st.tuples(st.sampled_from(["savepoint", "rollback", "commit", "discard", "restart"])),
)
State = dict[int, list[int]]


class Notebook:
    """The rows, and what must be in them: now, at the savepoint, at the last commit."""

    def __init__(self, cache_rows: int) -> None:
        self.cache_rows = cache_rows
        self.stored = Stored(cache_rows)
        self.now: State = {}
        self.saved: State = {}
        self.committed: State = {}

    def run(self, operation: tuple[str | int, ...]) -> None:
        rows = self.stored.rows(NOTES)
        match operation:
            case ("edit", int(key), int(number)):
                rows.edit(key).numbers.append(number)
                self.now.setdefault(key, []).append(number)
            case ("put", int(key), int(number)):
                row = NOTES.row()
                row.numbers.append(number)
                rows.put(key, row)
                self.now[key] = [number]
            case ("delete", int(key)):
                rows.delete(key)
                self.now.pop(key, None)
            case (("get" | "glance") as how, int(key)):
                found = rows.get(key) if how == "get" else rows.glance(key)
                assert (found.numbers if found else None) == self.now.get(key)
            case ("scan", int(low), int(high)):
                self.check_scan(low, high)
            case (str(name),):
                getattr(self, name)()

    def check_scan(self, low: int, high: int) -> None:
        rows = self.stored.rows(NOTES)
        wanted = sorted((key, value) for key, value in self.now.items() if low <= key < high)
        assert [(key, row.numbers) for key, row in rows.scan(low, high)] == wanted
        backwards = [(key, row.numbers) for key, row in rows.scan(low, high, reverse=True)]
        assert backwards == wanted[::-1]

    def savepoint(self) -> None:
        self.stored.savepoint()
        self.saved = deepcopy(self.now)

    def rollback(self) -> None:
        self.stored.rollback()
        self.now = deepcopy(self.saved)

    def commit(self) -> None:
        self.stored.commit()
        self.committed, self.saved = deepcopy(self.now), deepcopy(self.now)
        reader = NOTES.reader(self.stored.store)
        assert {key: row.numbers for key, row in reader.scan(0, 99)} == self.committed

    def discard(self) -> None:
        self.stored.discard()
        self.now, self.saved = deepcopy(self.committed), deepcopy(self.committed)

    def restart(self) -> None:
        """Another process: nothing but the store is left."""
        store = self.stored.store
        self.stored = Stored(self.cache_rows)
        self.stored.store = store
        self.now, self.saved = deepcopy(self.committed), deepcopy(self.committed)


@given(st.sampled_from([0, 2, 100]), st.lists(OPERATIONS, max_size=40))
@settings(max_examples=500, deadline=None)
def test_rows_are_a_dictionary_with_savepoints(
    cache_rows: int, operations: list[tuple[str | int, ...]]
) -> None:
    notebook = Notebook(cache_rows)
    for operation in operations:
        notebook.run(operation)
    notebook.check_scan(0, 99)
    notebook.commit()


@given(st.sampled_from([0, 2, 100]), st.lists(OPERATIONS, max_size=40))
@settings(max_examples=200, deadline=None)
def test_rows_without_care_commit_and_discard_alike(
    cache_rows: int, operations: list[tuple[str | int, ...]]
) -> None:
    """Without savepoints, as in most batches: all but `rollback` is as ever."""
    notebook = Notebook(cache_rows)
    for operation in operations:
        notebook.stored.rows(NOTES).careful = False
        if operation[0] not in ("savepoint", "rollback"):
            notebook.run(operation)
    notebook.check_scan(0, 99)
    notebook.commit()
