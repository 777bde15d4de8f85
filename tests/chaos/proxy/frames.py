"""Kafka's frames on the wire: four bytes of length, then a header, then the body."""

import asyncio
import struct
from dataclasses import dataclass
from enum import IntEnum

_MOST_BYTES = 128 << 20


class Api(IntEnum):
    """The API keys that faults are aimed at; others are plain numbers."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    API_VERSIONS = 18
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    WRITE_TXN_MARKERS = 27
    TXN_OFFSET_COMMIT = 28


# Requests whose body begins with the transactional id, and the version from which on strings are
# compact (Produce has one since version 3).
_TRANSACTIONAL = {
    Api.PRODUCE: 9,
    Api.INIT_PRODUCER_ID: 2,
    Api.ADD_PARTITIONS_TO_TXN: 3,
    Api.ADD_OFFSETS_TO_TXN: 3,
    Api.END_TXN: 3,
    Api.TXN_OFFSET_COMMIT: 3,
}
# Where the error code stands in an answer's frame, by API and version, as aiokafka asks.
_ERROR_AT = {
    (Api.INIT_PRODUCER_ID, 0): 12,
    (Api.ADD_OFFSETS_TO_TXN, 0): 12,
    (Api.END_TXN, 0): 12,
    (Api.HEARTBEAT, 0): 8,
    (Api.HEARTBEAT, 1): 12,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request's header, and what of its body rules ask for.

    `transactional_id` is None where there is none. `size`: bytes, without the length's four.
    """

    api: int
    version: int
    correlation: int
    client_id: str | None
    transactional_id: str | None
    size: int


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Read one frame, its length in front; None at the connection's end, also amid a frame."""
    try:
        head = await reader.readexactly(4)
        (length,) = struct.unpack(">i", head)
        if not 0 < length <= _MOST_BYTES:
            return None
        return head + await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        return None


def parse_request(frame: bytes) -> Request:
    """Read a request's header. ValueError or struct.error if it is not Kafka's."""
    api, version, correlation = struct.unpack_from(">hhi", frame, 4)
    client_id, at = _text(frame, 12)
    compact_from = _TRANSACTIONAL.get(api)
    transactional_id = None
    if compact_from is not None and (api != Api.PRODUCE or version >= 3):
        # A compact body comes after a header with tagged fields, of which there are none.
        read = _compact_text if version >= compact_from else _text
        transactional_id, _ = read(frame, at + 1 if version >= compact_from else at)
    return Request(api, version, correlation, client_id, transactional_id, len(frame) - 4)


def correlation_of(answer: bytes) -> int:
    """The correlation id of an answer's frame."""
    return int(struct.unpack_from(">i", answer, 4)[0])


def error_of(request: Request, answer: bytes) -> int | None:
    """The error code (0: done) of an answer to InitProducerId, AddOffsetsToTxn, EndTxn, Heartbeat.

    None for other requests, and in versions that aiokafka does not use.
    """
    for (api, version), at in _ERROR_AT.items():
        if (api, version) == (request.api, request.version):
            return int(struct.unpack_from(">h", answer, at)[0])
    return None


def _text(frame: bytes, at: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from(">h", frame, at)
    end = at + 2 + max(length, 0)
    return (None if length < 0 else frame[at + 2 : end].decode()), end


def _compact_text(frame: bytes, at: int) -> tuple[str | None, int]:
    length = shift = 0
    while True:
        byte = frame[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    end = at + max(length - 1, 0)
    return (None if length == 0 else frame[at:end].decode()), end
