"""A store whose process dies in the middle of a write, wherever in it that is."""

import multiprocessing
import signal
from pathlib import Path

import pytest

from app.engine import failpoints
from app.engine.store.base import Change
from app.engine.store.rocks import RocksStore, shared_cache

FIRST: list[Change] = [(b"k%03d" % n, b"first-%03d" % n * 20) for n in range(200)]
SECOND: list[Change] = [
    (b"k%03d" % n, None if n % 3 == 0 else b"second-%03d" % n * 20) for n in range(50, 300)
]


def log_size(folder: Path) -> int:
    return max(folder.glob("*.log"), key=lambda path: int(path.stem)).stat().st_size


def write_and_die(folder: Path, at: int) -> None:
    """In a process of its own: one commit, and the kernel's end `at` bytes into the next one."""
    store = RocksStore(folder, shared_cache(8))
    store.write(FIRST, 10)
    (folder / "size").write_text(str(log_size(folder)))
    failpoints.tear_next_write(folder, 2 * at)
    store.write(SECOND, 20)


def rows(store: RocksStore) -> dict[bytes, bytes]:
    return dict(store.scan(b"k", b"l"))


@pytest.mark.parametrize("at", [1, 5, 7, 100, 5_000, 20_000, 32_761, 32_768, 33_500])
def test_store_is_as_of_the_commit_before(at: int, tmp_path: Path) -> None:
    """Pieces of RocksDB's log have headers of 7 bytes and end at multiples of 32 KiB."""
    process = multiprocessing.get_context("spawn").Process(
        target=write_and_die, args=(tmp_path, at)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGXFSZ
    assert log_size(tmp_path) == int((tmp_path / "size").read_text()) + at
    store = RocksStore(tmp_path, shared_cache(8))
    assert store.changelog_offset == 10
    assert rows(store) == dict(FIRST)
    store.write(SECOND, 20)
    after = {**dict(FIRST), **dict(SECOND)}
    wanted = {key: value for key, value in after.items() if value is not None}
    assert rows(store) == wanted
    store.close()
    again = RocksStore(tmp_path, shared_cache(8))
    assert (again.changelog_offset, rows(again)) == (20, wanted)
    again.close()
