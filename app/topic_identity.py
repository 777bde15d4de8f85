"""Which topic a name stands for: a topic deleted and made anew has its name, but another id.

aiokafka knows Kafka's Metadata request up to version 5; ids come with version 10 (KIP-516).
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka import client
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from app.cluster import Broker, BrokerClient, Cluster
from app.errors import UserError
from app.topics_admin import admin_client


class TopicIdentity(NamedTuple):
    """`topic_id`: 32 hexadecimal digits, never given twice; `partitions`: how many."""

    topic_id: str
    partitions: int


class ClusterIdentity(NamedTuple):
    """`cluster_id`: as the broker writes it; `topics`: by name, those that exist.

    `brokers`: how many there are.
    """

    cluster_id: str
    topics: Mapping[str, TopicIdentity]
    brokers: int = 1


async def topic_identities(bootstrap: Broker, names: Sequence[str]) -> ClusterIdentity:
    """Ask a broker which topics these names stand for; none is created by asking.

    Raises `UserError` when no broker answers, or it refuses to tell of a topic.
    """
    async with admin_client(bootstrap) as admin:
        answer = await admin._send_request(_Identities(names))
    return _identity(answer.body)


async def topic_operations(bootstrap: Broker, names: Sequence[str]) -> dict[str, int]:
    """Ask what this user may do with these topics, those that it may see (KIP-430).

    A bit for each of Kafka's AclOperation codes; all that there are where no ACLs are in force.
    """
    async with admin_client(bootstrap) as admin:
        answer = await admin._send_request(_Identities(names, operations=True))
    found = _MetadataResponse.decode(answer.body).topics
    return {name: operations for code, name, _, _, _, operations, *_ in found if not code}


def never_create() -> None:
    """Have no Kafka client of this process make a topic by asking for one that is gone.

    aiokafka has no setting for it, and brokers allow it by default: a topic deleted under a worker
    would be back a moment later, without the settings that it needs.
    """
    client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)


class IdentityReader:
    """Asks for the same topics again and again, over a connection that stays open.

    An answer equal to the one before costs no decoding, so that every commit can ask.
    """

    def __init__(self, bootstrap: Broker, names: Sequence[str]) -> None:
        """Connect at the first look."""
        self._request = _Identities(names)
        self._cluster = Cluster.of(bootstrap)
        self._client: BrokerClient | None = None
        self._body = b""
        self._found = ClusterIdentity("", {})

    async def look(self) -> ClusterIdentity:
        """See `topic_identities`: the same object again, if nothing has changed."""
        try:
            async with asyncio.timeout(self._cluster.question_timeout):
                connected = await self._connected()
                answer = await connected.send(connected.get_random_node(), self._request)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise UserError(f"no Kafka broker answers at {self._cluster}") from error
        if answer.body != self._body:
            self._found, self._body = _identity(answer.body), answer.body
        return self._found

    @property
    def brokers(self) -> int:
        """How many brokers there were at the last look."""
        return self._found.brokers

    async def _connected(self) -> BrokerClient:
        if self._client is None:
            made = BrokerClient(**self._cluster.arguments(), client_id="streamjoin-watch")
            try:
                await made.bootstrap()
            except BaseException:
                await made.close()
                raise
            self._client = made
        return self._client

    async def close(self) -> None:
        """Let go of the connection."""
        connected, self._client = self._client, None
        if connected is not None:
            await connected.close()


def _identity(body: bytes) -> ClusterIdentity:
    answer = _MetadataResponse.decode(body)
    topics: dict[str, TopicIdentity] = {}
    for code, name, topic_id, _, partitions, *_ in answer.topics:
        error = for_code(code)
        if not code:
            topics[name] = TopicIdentity(topic_id.hex, len(partitions))
        elif error is not UnknownTopicOrPartitionError:
            raise UserError(f"the broker refuses to tell of topic {name}: {error.__name__}")
    return ClusterIdentity(answer.cluster_id or "", topics, len(answer.brokers))


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


class _Rest(AbstractType[bytes]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read()


class _Undecoded(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(("body", _Rest))


class _MetadataRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _Undecoded
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

    def __init__(self, names: Sequence[str], *, operations: bool = False) -> None:
        self._names = names
        self._operations = operations

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 (aiokafka is untyped)
        no_tags: dict[int, bytes] = {}
        topics = [(_NO_ID, name, no_tags) for name in self._names]
        return request_struct_class(topics, False, self._operations, no_tags)
