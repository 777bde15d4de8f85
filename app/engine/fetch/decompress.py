"""Decompresses a record batch piece by piece, so that a small batch cannot fill the memory.

A batch of some kilobytes may hold gigabytes: brokers compare the compressed size with
`max.message.bytes`. What is asked for is decompressed, and no more than a piece ahead of it.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import cramjam
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from lz4.frame import LZ4FrameDecompressor

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor
else:
    from backports.zstd import ZstdDecompressor

PIECE: Final = 256 * 1024
"""Bytes that are decompressed at a time; of snappy's raw format, which has no pieces, all."""
_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16


class _Decompressor(Protocol):
    """The interface of `bz2.BZ2Decompressor`, which Python's other decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gunzip:
    """zlib behind the interface of the others."""

    needs_input = False

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._zlib.decompress(data or self._zlib.unconsumed_tail, max_length)
        self.needs_input = not piece and not self._zlib.unconsumed_tail
        return piece


def _streamed(make: Callable[[], _Decompressor], data: bytes) -> Iterator[bytes]:
    """Go through the frames (members, in gzip) that follow each other in `data`."""
    while data:
        frame = make()
        piece = frame.decompress(data, max_length=PIECE)
        while piece or not frame.eof:
            if piece:
                yield piece
            elif frame.needs_input:
                raise CorruptRecordException("compressed data ends early")
            if frame.eof:
                break
            piece = frame.decompress(b"", max_length=PIECE)
        data = frame.unused_data or b""


def _snappy(data: bytes) -> Iterator[bytes]:
    """Raw snappy, or the blocks of snappy-java (xerial): 3 bytes give 64 at most."""
    if not data.startswith(_XERIAL_MAGIC):
        yield bytes(cramjam.snappy.decompress_raw(data))
        return
    at = _XERIAL_HEADER
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield bytes(cramjam.snappy.decompress_raw(data[at + 4 : at + 4 + size]))
        at += 4 + size


_CODECS: Final[dict[int, Callable[[bytes], Iterator[bytes]]]] = {
    1: lambda data: _streamed(_Gunzip, data),
    2: _snappy,
    3: lambda data: _streamed(LZ4FrameDecompressor, data),
    4: lambda data: _streamed(ZstdDecompressor, data),
}
_ERRORS: Final = (
    zlib.error,
    cramjam.DecompressionError,
    EOFError,
    RuntimeError,
    ValueError,
    OSError,
)


def pieces(codec: int, data: bytes) -> Iterator[bytes]:
    """Decompress `data` in pieces. `codec`: as in a batch's attributes, 0 for none.

    Raises CorruptRecordException where it is not what the codec wrote, UnsupportedCodecError for a
    codec that Kafka does not have.
    """
    if not codec:
        yield data
        return
    if codec not in _CODECS:
        raise UnsupportedCodecError(f"no such compression codec: {codec}")
    try:
        yield from _CODECS[codec](data)
    except _ERRORS as error:
        raise CorruptRecordException(f"the batch cannot be decompressed: {error}") from error
