"""One suite for both stores: what the engine asks of them, against a plain dictionary."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.store.base import Change, Store
from app.engine.store.memory import MemoryStore
from app.engine.store.rocks import RocksStore, shared_cache

Open = Callable[[Path], Store]
# Keys of tables: those that start with a zero byte are the engine's own.
KEYS = st.binary(min_size=1, max_size=3).filter(lambda key: key[0] > 0)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=20)), max_size=8)


def rocks(folder: Path) -> Store:
    return RocksStore(folder, shared_cache(8))


@pytest.fixture(params=[lambda _: MemoryStore(), rocks], ids=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = request.param(tmp_path / "store")
    yield opened
    opened.close()


@given(st.lists(CHANGES, max_size=6), KEYS, KEYS)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_store_is_a_sorted_dictionary(
    store: Store, commits: list[list[Change]], low: bytes, high: bytes
) -> None:
    store.clear()
    expected: dict[bytes, bytes] = {}
    assert store.changelog_offset is None
    for number, changes in enumerate(commits):
        store.write(changes, number)
        for key, value in changes:
            if value is None:
                expected.pop(key, None)
            else:
                expected[key] = value
        assert store.changelog_offset == number
    between = sorted((key, value) for key, value in expected.items() if low <= key < high)
    assert list(store.scan(low, high)) == between
    assert list(store.scan(low, high, reverse=True)) == between[::-1]
    assert all(store.get(key) == value for key, value in expected.items())
    assert store.get(b"never there") is None


def test_cleared_store_is_as_new(store: Store) -> None:
    store.write([(b"a", b"1"), (b"b", b"2")], 7)
    store.clear()
    assert store.changelog_offset is None
    assert list(store.scan(b"\x01", b"\xff")) == []
    store.write([(b"c", b"3")], 1)
    assert list(store.scan(b"\x01", b"\xff")) == [(b"c", b"3")]


def test_rocksdb_has_its_rows_and_its_place_after_a_restart(tmp_path: Path) -> None:
    first = rocks(tmp_path)
    first.write([(b"a", b"1"), (b"b", b"2")], 41)
    first.write([(b"a", None), (b"c", b"3")], 43)
    first.close()
    second = rocks(tmp_path)
    assert second.changelog_offset == 43
    assert list(second.scan(b"a", b"z")) == [(b"b", b"2"), (b"c", b"3")]
    second.close()
