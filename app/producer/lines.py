"""Lines of files, plain or gzip, in bounded memory."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from app.errors import UserError

CHUNK: Final = 256 * 1024
LONGEST_LINE: Final = 16 * 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_BOM: Final = b"\xef\xbb\xbf"
_TOO_LONG: Final = b"line of more than 16 MiB"


class DamagedFileError(UserError):
    """A file ends early or cannot be read on; what came before it is good."""


def check_readable(path: Path) -> None:
    """Raise `UserError` with one line unless `path` is a regular file that can be opened."""
    if path.exists() and not path.is_file():
        raise UserError(f"cannot read {path}: it is not a regular file")
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


def read_lines(
    path: Path, on_read: Callable[[int], None] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line without its end) of a plain or gzip file.

    Whether it is gzip is told by its first two bytes. A line of more than 16 MiB is not held;
    a text that is no JSON stands for it. `on_read` is told the position in the file, in bytes,
    as it moves. Raises `DamagedFileError` where the file breaks off.
    """
    number = 0
    rest = b""
    cut = False
    for chunk in _chunks(path, on_read):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if not number and lines:
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            number += 1
            yield number, _TOO_LONG if cut else line
            cut = False
        if len(rest) > LONGEST_LINE:
            rest, cut = b"", True
    if rest or cut:
        yield number + 1, _TOO_LONG if cut else rest


def _chunks(path: Path, on_read: Callable[[int], None] | None) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            file.seek(0)
            for chunk in _unpacked(path, file) if packed else iter(lambda: file.read(CHUNK), b""):
                if on_read is not None:
                    on_read(file.tell())
                yield chunk
    except OSError as error:
        raise DamagedFileError(f"{path} cannot be read on: {error.strerror or error}") from None


def _unpacked(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a gzip file, which may have several members, as `cat` makes them."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    packed = b""
    more_inside = False
    try:
        while packed or more_inside or (packed := file.read(CHUNK)):
            if member.eof:
                packed = packed.lstrip(b"\0")
                if not packed:
                    continue
                member = zlib.decompressobj(_GZIP_WINDOW)
            content = member.decompress(packed, CHUNK)
            packed = member.unused_data if member.eof else member.unconsumed_tail
            more_inside = len(content) == CHUNK and not member.eof
            if content:
                yield content
    except zlib.error as error:
        raise DamagedFileError(f"{path} is damaged: {error}") from None
    if not member.eof:
        raise DamagedFileError(f"{path} ends in the middle (truncated gzip)")
