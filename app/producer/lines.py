"""Lines of files, plain or gzip, and of standard input, in bounded memory."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from app.errors import UserError

CHUNK: Final = 256 * 1024
LONGEST_LINE: Final = 16 * 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_BOM: Final = b"\xef\xbb\xbf"
TOO_LONG: Final = "longer than 16 MiB"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{")
"""How JSON in UTF-16 begins: with a byte order mark, or without one."""

Line = tuple[int, bytes | None]
"""(number from 1, content without its end); None for content that is `TOO_LONG`."""


class DamagedFileError(UserError):
    """A file ends early or cannot be read on; what came before it is good."""


class LineSplitter:
    """Cuts a text that comes in chunks into lines; a byte order mark is no part of the first."""

    def __init__(self, name: object) -> None:
        """`name`: what the text is called, for people."""
        self._name = name
        self._number = 0
        self._begun = bytearray()
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Yield the lines that end in this chunk. Raises `UserError` for a text in UTF-16."""
        first, *others = chunk.split(b"\n")
        self._begin(first)
        if others:
            yield self._end()
            self._begin(others.pop())
        for line in others:
            self._number += 1
            yield self._number, line

    def rest(self) -> Iterator[Line]:
        """Yield the last line, if it has no end."""
        if self._begun or self._too_long:
            yield self._end()

    def _begin(self, part: bytes) -> None:
        self._begun += part
        if len(self._begun) > LONGEST_LINE:
            self._begun.clear()
            self._too_long = True

    def _end(self) -> Line:
        line = None if self._too_long else bytes(self._begun)
        self._begun.clear()
        self._too_long = False
        self._number += 1
        if self._number == 1 and line is not None:
            line = without_mark(self._name, line)
        return self._number, line


def without_mark(name: object, start: bytes) -> bytes:
    """Return how a text starts without a byte order mark. Raises `UserError` for UTF-16."""
    if start.startswith(_WIDE):
        raise UserError(
            f"{name} is UTF-16, as PowerShell's > writes it: write it as UTF-8 "
            "(PowerShell: | Out-File -Encoding utf8)"
        )
    return start.removeprefix(_BOM)


def check_readable(path: Path) -> None:
    """Raise `UserError` with one line unless `path` is a regular file in UTF-8 that can be opened.

    Of its content only the beginning is looked at; one that is damaged is for who reads it.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"cannot read {path}: it is not a regular file")
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    with suppress(DamagedFileError):
        without_mark(path, next(_chunks(path, None), b""))


def read_lines(path: Path, on_read: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Yield the lines of a plain or gzip file; which it is, its first two bytes tell.

    `on_read` is told the position in the file, in bytes, as it moves. Raises `DamagedFileError`
    where the file breaks off.
    """
    lines = LineSplitter(path)
    for chunk in _chunks(path, on_read):
        yield from lines.feed(chunk)
    yield from lines.rest()


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
