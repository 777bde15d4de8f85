"""A stopped worker's RocksDB folders: found, read, damaged."""

import random
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from rocksdict import AccessType, Options, Rdict

from app.engine.metadata import KEY

PLACE_KEY = b"\x00place"
"""Its value begins with the changelog offset, 8 bytes."""
STORE = re.compile(r"partition-(\d+)")


class Content(NamedTuple):
    """A store's rows, and the changelog offset that it is at."""

    rows: dict[bytes, bytes]
    offset: int | None


def store_folders(folder: Path, partition: int | None = None) -> list[Path]:
    """The RocksDB folders below a worker's data folder that are in use."""
    found = []
    for current in sorted(folder.rglob("CURRENT")):
        # Damaged stores that were set aside have longer names.
        name = STORE.fullmatch(current.parent.name)
        if name is not None and partition in (None, int(name[1])):
            found.append(current.parent)
    return found


def delete_stores(folder: Path) -> None:
    for path in store_folders(folder):
        shutil.rmtree(path)


def read_store(folder: Path) -> Content:
    """All rows, with checksums verified. Raises whatever RocksDB does about a damaged one."""
    options = Options(raw_mode=True)
    store = Rdict(str(folder), options, access_type=AccessType.read_only())
    rows: dict[bytes, bytes] = {}
    try:
        cursor = store.iter()
        cursor.seek_to_first()
        while cursor.valid():
            rows[cursor.key()] = cursor.value()
            cursor.next()
        # A cursor that meets a damaged block ends there as if that were all.
        cursor.status()
    finally:
        store.close()
    place = rows.get(PLACE_KEY)
    kept = {key: value for key, value in rows.items() if key[:1] != b"\x00" or key == KEY}
    return Content(kept, None if place is None else int.from_bytes(place[:8], "big"))


def stored_offset(folder: Path) -> int | None:
    """The changelog offset that a store is at; None if there is no store."""
    return read_store(folder).offset if (folder / "CURRENT").exists() else None


def damage(folder: Path, how: str, dice: random.Random) -> str:
    """Damage a store as `DAMAGES` names it (but `older`); which file was hit, and how."""
    if how == "delete":
        files = len(list(folder.iterdir()))
        shutil.rmtree(folder)
        return f"deleted with {files} files"
    tables = sorted(p for p in folder.iterdir() if p.suffix == ".sst" and p.stat().st_size)
    logs = sorted(p for p in folder.iterdir() if p.suffix == ".log" and p.stat().st_size)
    if not tables and not logs:
        return "nothing is in it yet"
    path = dice.choice(tables or logs)
    size = path.stat().st_size
    if how == "truncate":
        keep = dice.randrange(size // 2)
        with path.open("r+b") as file:
            file.truncate(keep)
        return f"{path.name} truncated from {size} to {keep} bytes"
    place = dice.randrange(size // 2)
    with path.open("r+b") as file:
        file.seek(place)
        flipped = bytes(byte ^ 0x55 for byte in file.read(8))
        file.seek(place)
        file.write(flipped)
    return f"{path.name}: bytes {place} to {place + 7} of {size} flipped"


def found_damaged(folder: Path, before: int | None) -> str:
    """How a damaged store shows it when it is read; empty if it does not."""
    if not (folder / "CURRENT").exists():
        return "it is gone"
    try:
        content = read_store(folder)
    except Exception as error:
        return f"it cannot be read: {str(error)[:150]}"
    if content.offset != before:
        return f"it is at offset {content.offset}, was at {before}"
    return ""
