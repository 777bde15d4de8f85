"""A store whose process dies while it writes to the disk, wherever in it that is."""

import multiprocessing
import random
import resource
import signal
from pathlib import Path

import pytest

from app.engine import failpoints
from app.engine.store.base import Change
from app.engine.store.rocks import RocksStore, shared_cache

DICE = random.Random(7)
FIRST: list[Change] = [(b"k%03d" % n, DICE.randbytes(1000)) for n in range(200)]
SECOND: list[Change] = [
    (b"k%03d" % n, None if n % 3 == 0 else DICE.randbytes(1000)) for n in range(50, 600)
]
BEFORE = dict(FIRST)
AFTER = {key: v for key, v in {**BEFORE, **dict(SECOND)}.items() if v is not None}


def start(folder: Path) -> RocksStore:
    store = RocksStore(folder, shared_cache(8))
    store.write(FIRST, 10)
    store.close()
    return RocksStore(folder, shared_cache(8))


def die_at(folder: Path, limit: int) -> None:
    """In a process of its own: the kernel kills it where a file would grow beyond `limit`."""
    store = start(folder)
    store.write(SECOND, 20)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    store.close()


def die_in_flush(folder: Path) -> None:
    store = start(folder)
    store.write(SECOND, 20)
    failpoints.die_in_flush(folder, store._start_flush)


def ended(target: object, *arguments: object) -> int | None:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join(60)
    return process.exitcode


def check(folder: Path, places: tuple[int, ...]) -> None:
    """As of a commit, and good to go on with."""
    store = RocksStore(folder, shared_cache(8))
    assert store.changelog_offset in places
    assert dict(store.scan(b"k", b"l")) == (BEFORE if store.changelog_offset == 10 else AFTER)
    store.write(SECOND, 20)
    assert dict(store.scan(b"k", b"l")) == AFTER
    store.close()
    again = RocksStore(folder, shared_cache(8))
    assert (again.changelog_offset, dict(again.scan(b"k", b"l"))) == (20, AFTER)
    again.close()


@pytest.mark.parametrize("limit", [100_000, 131_072, 200_001, 290_000, 350_000])
def test_store_is_as_of_the_commit_before(limit: int, tmp_path: Path) -> None:
    """RocksDB writes a file of some 370 kB; its own log of text stays below 100 kB."""
    assert ended(die_at, tmp_path, limit) == -signal.SIGXFSZ
    torn = max(tmp_path.glob("*.sst"), key=lambda path: int(path.stem))
    assert torn.stat().st_size == limit
    check(tmp_path, (10,))


def test_killed_while_a_file_is_written(tmp_path: Path) -> None:
    assert ended(die_in_flush, tmp_path) == -signal.SIGKILL
    check(tmp_path, (10, 20))
