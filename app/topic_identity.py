"""Which topic a name stands for: a topic deleted and made anew has its name, but another id.

aiokafka knows Kafka's Metadata request up to version 5; ids come with version 10 (KIP-516).
"""

import uuid
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from app.errors import UserError
from app.topics_admin import admin_client


class TopicIdentity(NamedTuple):
    """`topic_id`: 32 hexadecimal digits, never given twice; `partitions`: how many."""

    topic_id: str
    partitions: int


class ClusterIdentity(NamedTuple):
    """`cluster_id`: as the broker writes it; `topics`: by name, those that exist."""

    cluster_id: str
    topics: Mapping[str, TopicIdentity]


async def topic_identities(bootstrap: str, names: Sequence[str]) -> ClusterIdentity:
    """Ask a broker which topics these names stand for; none is created by asking.

    Raises `UserError` when no broker answers, or it refuses to tell of a topic.
    """
    async with admin_client(bootstrap) as admin:
        answer = await admin._send_request(_Identities(names))
    topics: dict[str, TopicIdentity] = {}
    for code, name, topic_id, _, partitions, *_ in answer.topics:
        error = for_code(code)
        if not code:
            topics[name] = TopicIdentity(topic_id.hex, len(partitions))
        elif error is not UnknownTopicOrPartitionError:
            raise UserError(f"the broker at {bootstrap} refuses topic {name}: {error.__name__}")
    return ClusterIdentity(answer.cluster_id or "", topics)


class _Uuid(AbstractType[uuid.UUID]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))


_NO_ID = uuid.UUID(int=0)
_TEXT = CompactString("utf-8")
_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC = (
    ("error_code", Int16),
    ("topic", _TEXT),
    ("topic_id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)
_BROKER = (
    ("node_id", Int32),
    ("host", _TEXT),
    ("port", Int32),
    ("rack", _TEXT),
    ("tags", TaggedFields),
)


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("tags", TaggedFields),
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("topic", _TEXT), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Identities(Request[_MetadataRequest]):  # type: ignore[misc]
    """Metadata of these topics by name."""

    API_KEY = 3

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 (aiokafka is untyped)
        no_tags: dict[int, bytes] = {}
        topics = [(_NO_ID, name, no_tags) for name in self._names]
        return request_struct_class(topics, False, False, no_tags)
