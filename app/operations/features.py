"""Which release of Kafka a cluster is on, by its metadata version (KIP-584).

aiokafka knows ApiVersions up to version 2; finalized features come with version 3.
"""

from bisect import bisect_right
from io import BytesIO
from typing import Any, Final

from aiokafka.protocol.api import Request, RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

_FINALIZED: Final = 2
"""The tag of the finalized features in the answer."""
_TEXT = CompactString("utf-8")
_FIRST_LEVELS: Final = (7, 8, 9, 12, 15, 20, 21, 22, 26, 28, 30)
_RELEASES: Final = ("3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "4.0", "4.1", "4.2", "4.3")
"""Releases by their first level of `metadata.version` (Kafka's MetadataVersion)."""
OLDEST_TRIED: Final = 9
"""The first level of 3.5: `make compat` runs it, and newer ones."""


async def metadata_level(admin: Any) -> int | None:  # noqa: ANN401 (aiokafka is untyped)
    """Ask for the level of `metadata.version`; None where the cluster has none: before 3.3."""
    answer = await admin._send_request(_ApiVersions())
    finalized = answer.tags.get(_FINALIZED)
    if finalized is None:
        return None
    found = {name: level for name, level, *_ in _FEATURES.decode(BytesIO(finalized))}
    return found.get("metadata.version")


def release(level: int | None) -> str:
    """Say which release a level belongs to.

    >>> release(25), release(30), release(31), release(None)
    ('4.0', '4.3', 'newer than 4.3', 'older than 3.3')
    """
    if level is None or level < _FIRST_LEVELS[0]:
        return f"older than {_RELEASES[0]}"
    if level > _FIRST_LEVELS[-1]:
        return f"newer than {_RELEASES[-1]}"
    return _RELEASES[bisect_right(_FIRST_LEVELS, level) - 1]


_FEATURES = CompactArray(
    ("name", _TEXT), ("max_level", Int16), ("min_level", Int16), ("tags", TaggedFields)
)


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 18
    API_VERSION = 3
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "api_versions",
            CompactArray(("key", Int16), ("min", Int16), ("max", Int16), ("tags", TaggedFields)),
        ),
        ("throttle_time_ms", Int32),
        ("tags", TaggedFields),
    )


class _Version3(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 18
    API_VERSION = 3
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("client_software_name", _TEXT),
        ("client_software_version", _TEXT),
        ("tags", TaggedFields),
    )

    def parse_response_header(self, read_buffer: BytesIO | bytes) -> ResponseHeader_v0:
        """Read the old header: this one answer has it, whatever its version (KIP-511)."""
        return ResponseHeader_v0.decode(read_buffer)


class _ApiVersions(Request[_Version3]):  # type: ignore[misc]
    API_KEY = 18

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401
        no_tags: dict[int, bytes] = {}
        return request_struct_class("streamjoin", "1", no_tags)
