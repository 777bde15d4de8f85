"""Which other services write to the outputs (KIP-664): each result would be there twice.

Brokers know the producers that have written to a partition within the last day
(`producer.id.expiration.ms`), and the transactional ids behind those. So what is seen are services
with exactly_once; producers without transactions have no name that could be told.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from aiokafka.errors import IncompatibleBrokerVersion, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from app.errors import UserError
from app.operations.topics import topic_states
from app.settings import Settings
from app.topics_admin import admin_client
from models.topics import Direction

_PARTITION: Final = re.compile(r"-\d+\Z")
_NO_TAGS: Final[dict[int, bytes]] = {}


async def other_writers(settings: Settings) -> list[str]:
    """Give a line for each output that another service writes to.

    Raises UserError where the brokers do not tell.
    """
    states = await topic_states(settings.cluster, {})
    outputs = settings.catalogue().names(Direction.OUTPUT)
    asked: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name in outputs:
        for partition in states[name].partitions if name in states else ():
            asked[partition.leader][name].append(partition.number)
    producers: dict[str, set[int]] = defaultdict(set)
    try:
        async with admin_client(settings.cluster) as admin:
            for leader, topics in asked.items():
                answer = await admin._send_request(_DescribeProducers(topics), leader)
                for name, number in _producers(answer.topics):
                    producers[name].add(number)
            ids = await _transactional_ids(admin)
    except IncompatibleBrokerVersion:
        raise UserError("brokers before Kafka 3.0 do not tell who writes to a topic") from None
    ours = re.compile(re.escape(settings.app_id) + r"-\d+")
    return list(_lines(producers, {n: i for n, i in ids.items() if not ours.fullmatch(i)}))


def _producers(topics: Iterable[Any]) -> Iterator[tuple[str, int]]:
    for name, partitions, _ in topics:
        for _, code, message, active, _ in partitions:
            if code:
                why = message or for_code(code).__name__
                raise UserError(f"the broker does not tell who writes to topic {name}: {why}")
            for producer, *_ in active:
                yield name, producer


async def _transactional_ids(admin: Any) -> dict[int, str]:  # noqa: ANN401 (aiokafka is untyped)
    """Give the transactional id of each producer that has one, by its number."""
    found: dict[int, str] = {}
    for broker in (await admin.describe_cluster())["brokers"]:
        answer = await admin._send_request(_ListTransactions(), broker["node_id"])
        if answer.error_code:
            raise UserError(
                f"the broker does not list transactions: {for_code(answer.error_code).__name__}"
            )
        found |= {producer: name for name, producer, *_ in answer.transaction_states}
    return found


def _lines(producers: Mapping[str, set[int]], others: Mapping[int, str]) -> Iterator[str]:
    by_service: dict[str, set[str]] = defaultdict(set)
    for topic, numbers in producers.items():
        for number in numbers & others.keys():
            by_service[_PARTITION.sub("", others[number])].add(topic)
    for service, topics in sorted(by_service.items()):
        yield (
            f"{service} writes to {', '.join(sorted(topics))} too, or has within the last day: of "
            "two services each result is there twice; give each outputs of its own "
            "(STREAMJOIN_TOPIC_...), or one app_id to both"
        )


_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)


class _Producers(Response):  # type: ignore[misc]
    API_KEY = 61
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("error_message", _TEXT),
                        (
                            "active",
                            CompactArray(
                                ("producer_id", Int64),
                                ("producer_epoch", Int32),
                                ("last_sequence", Int32),
                                ("last_timestamp", Int64),
                                ("coordinator_epoch", Int32),
                                ("transaction_start", Int64),
                                _TAGS,
                            ),
                        ),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _ProducersRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 61
    API_VERSION = 0
    RESPONSE_TYPE = _Producers
    SCHEMA = Schema(
        ("topics", CompactArray(("name", _TEXT), ("partitions", CompactArray(Int32)), _TAGS)),
        _TAGS,
    )


class _DescribeProducers(Request[_ProducersRequest]):  # type: ignore[misc]
    API_KEY = 61

    def __init__(self, topics: Mapping[str, list[int]]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401
        topics = [(name, numbers, _NO_TAGS) for name, numbers in self._topics.items()]
        return request_struct_class(topics, _NO_TAGS)


class _Transactions(Response):  # type: ignore[misc]
    API_KEY = 66
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("unknown_state_filters", CompactArray(_TEXT)),
        (
            "transaction_states",
            CompactArray(
                ("transactional_id", _TEXT), ("producer_id", Int64), ("state", _TEXT), _TAGS
            ),
        ),
        _TAGS,
    )


class _TransactionsRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 66
    API_VERSION = 0
    RESPONSE_TYPE = _Transactions
    SCHEMA = Schema(
        ("state_filters", CompactArray(_TEXT)), ("producer_id_filters", CompactArray(Int64)), _TAGS
    )


class _ListTransactions(Request[_TransactionsRequest]):  # type: ignore[misc]
    API_KEY = 66

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401
        return request_struct_class([], [], _NO_TAGS)
