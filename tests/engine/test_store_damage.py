"""Damaged folders: each is opened as of some commit, or found damaged and started anew."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from app.engine.errors import DamagedStoreError, NoDescriptorError, StoreError
from app.engine.store import rocks
from app.engine.store.faults import explained
from app.engine.store.rocks import RocksStore, shared_cache

COMMITS, ROWS = 6, 150
Damage = Callable[[Path], None]
Rows = dict[bytes, bytes]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int | None, Rows]]:
    """A folder as `kill -9` leaves it, and the rows as of each commit by changelog offset."""
    folder = tmp_path_factory.mktemp("stores") / "partition-0"
    store, dice = RocksStore(folder, shared_cache(8)), random.Random(3)
    store._db.set_options(
        {"disable_auto_compactions": "true"}
    )  # The copy is made of files at rest.
    rows: Rows = {}
    found: dict[int | None, Rows] = {None: {}}
    for number in range(COMMITS):
        changes = [(b"k%03d" % dice.randrange(300), dice.randbytes(150)) for _ in range(ROWS)]
        rows = {**rows, **dict(changes)}
        store.write(changes, number)
        found[number] = rows
        if number < COMMITS - 1:
            store._db.flush()
    killed = folder.with_name("killed")
    shutil.copytree(folder, killed)
    store.close()
    return killed, found


def gone(path: Path) -> None:
    path.unlink()


def cut(share: float) -> Damage:
    def damage(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return damage


def flipped(share: float) -> Damage:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        if data:
            data[int((len(data) - 1) * share)] ^= 0x10
            path.write_bytes(data)

    return damage


SHARES = [n / 12 for n in range(13)]
DAMAGES = [gone, *(make(share) for share in SHARES for make in (cut, flipped))]


def settled(folder: Path) -> tuple[int | None, Rows]:
    """What a worker has in the end, before it reads the changelog."""
    store = RocksStore(folder, shared_cache(8))
    try:
        found = dict(store.scan(b"k", b"l"))
        assert all(store.get(key) == value for key, value in found.items())
        store.check()
    except DamagedStoreError:
        with pytest.raises(DamagedStoreError):
            store.check()
        store.renew()
        found = dict(store.scan(b"k", b"l"))
    offset = store.changelog_offset
    store.write([(b"m", b"n")], 99)
    assert (store.get(b"m"), store.changelog_offset) == (b"n", 99)
    store.close()
    return offset, found


@pytest.mark.parametrize("kind", ["CURRENT", "MANIFEST-*", "*.sst", "*.log", "OPTIONS-*", "IDENT*"])
def test_damage_leaves_a_commit_or_nothing(
    kind: str, states: tuple[Path, dict[int | None, Rows]], tmp_path: Path
) -> None:
    killed, expected = states
    for damage in DAMAGES:
        folder = tmp_path / "partition-0"
        shutil.rmtree(tmp_path, ignore_errors=True)
        shutil.copytree(killed, folder)
        damage(sorted(folder.glob(kind))[0])
        offset, found = settled(folder)
        assert found == expected[offset], (kind, damage)


def test_untouched_folder_has_what_was_flushed(
    states: tuple[Path, dict[int | None, Rows]], tmp_path: Path
) -> None:
    shutil.copytree(states[0], tmp_path / "p")
    assert settled(tmp_path / "p")[0] == COMMITS - 2


def test_scan_over_a_damaged_block_does_not_end_early(tmp_path: Path) -> None:
    folder, dice = tmp_path / "partition-0", random.Random(4)
    store = RocksStore(folder, shared_cache(8))
    store.write([(b"k%05d" % n, dice.randbytes(100)) for n in range(3000)], 1)
    store.close()
    flipped(0.5)(next(folder.glob("*.sst")))
    store = RocksStore(folder, shared_cache(8))
    for reverse in (False, True):
        with pytest.raises(DamagedStoreError):
            list(store.scan(b"k", b"l", reverse=reverse))
    half_way = store.scan(b"k", b"l")
    next(half_way)
    store.renew()
    assert (store.changelog_offset, list(store.scan(b"k", b"l"))) == (None, [])
    store.close()


def test_two_damaged_folders_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "partition-3"
    for _ in range(4):
        store = RocksStore(folder, shared_cache(8))
        store.write([(b"k", b"v")], 1)
        store.close()
        (folder / "CURRENT").write_text("nonsense")
    RocksStore(folder, shared_cache(8)).close()
    aside = [path for path in tmp_path.iterdir() if path != folder]
    assert len(aside) == 2
    assert all(path.name.startswith("partition-3.damaged-20") for path in aside)
    assert "rebuilt from the changelog" in caplog.text
    assert all(path.name in caplog.text for path in aside)


def test_folder_that_another_has_open_is_left_alone(tmp_path: Path) -> None:
    store = RocksStore(tmp_path, shared_cache(8))
    store.write([(b"k", b"v")], 1)
    with pytest.raises(StoreError, match="another process"):
        RocksStore(tmp_path, shared_cache(8))
    assert store.get(b"k") == b"v"
    store.close()


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("IO error: No space left on device: While appending to file", "free space"),
        ("IO error: Read-only file system: While open a file", "--data-dir"),
        ("IO error: Permission denied", "--data-dir"),
        ("IO error: Input/output error", "--data-dir"),
    ],
)
def test_refusal_of_the_machine_says_what_to_do(text: str, remedy: str) -> None:
    error = explained(Exception(text), Path("/state/partition-1"), writing=True)
    assert isinstance(error, StoreError)
    assert "/state/partition-1" in str(error)
    assert remedy in str(error)


def test_a_lack_of_descriptors_is_waited_out() -> None:
    for text in (
        "IO error: While open a file: x: Too many open files",
        "Too many open files in system",
    ):
        error = explained(Exception(text), Path("/state/partition-1"), writing=True)
        assert isinstance(error, NoDescriptorError)
        assert "/state/partition-1" in str(error)


class Compacting(RocksStore):
    """One whose first read comes after a compaction has failed at the damage."""

    def get(self, key: bytes) -> bytes | None:
        if any(self._folder.glob("*.sst")):
            self._db.set_options({"disable_auto_compactions": "false"})
            while not self._db.property_int_value("rocksdb.background-errors"):
                time.sleep(0.01)
        return super().get(key)


def test_damage_that_a_compaction_meets_first_is_set_aside(
    states: tuple[Path, dict[int | None, Rows]], tmp_path: Path
) -> None:
    """Then the database does not even close without an error."""
    folder = tmp_path / "partition-0"
    shutil.copytree(states[0], folder)
    flipped(0.001)(max(folder.glob("*.sst")))
    store = Compacting(folder, shared_cache(8))
    assert store.changelog_offset is None
    store.write([(b"k", b"v")], 7)
    store.close()
    assert len(list(tmp_path.glob("partition-0.damaged-*"))) == 1


def test_an_opening_that_fails_once_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RocksStore(tmp_path / "partition-0", shared_cache(8))
    store.write([(b"k", b"v")], 7)

    def failing(*_: object) -> NoReturn:
        raise Exception("IO error: Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(rocks, "Rdict", failing)
        with pytest.raises((DamagedStoreError, StoreError)):
            store.clear()
    store.clear()
    assert (store.changelog_offset, store.get(b"k")) == (None, None)
    store.close()
