"""Records that are small on the wire and large inside, for every input, field and codec."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from itertools import product
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from tests.service.traffic import BASE

MIB = 1 << 20
SIZES = {"gzip": 1_400_000, "snappy": 4 * MIB, "lz4": 8 * MIB, "zstd": 16 * MIB}
"""Bytes, uncompressed, of a record behind each codec; a broker takes 1 MB of it compressed."""
REQUIRED = {
    "clicks": ("page",),
    "purchases": ("product_id",),
    "user-events": ("action",),
}
"""Text fields that are stored, or written out, by topic."""
UNUSED = {
    "clicks": ("unknown",),
    "purchases": ("unknown",),
    "user-events": ("page", "session_id", "unknown"),
}
"""Text fields that leave no trace."""
_NUMBERS: dict[str, dict[str, int]] = {
    "clicks": {},
    "purchases": {"amount": 1},
    "user-events": {"value": 2},
}


class Poison(NamedTuple):
    """A record for one input. `reason`: of its dead letter; None where it counts."""

    topic: str
    codec: str
    user: str
    value: bytes
    reason: str | None


def poison(sizes: Mapping[str, int]) -> Iterator[Poison]:
    """Each field of each input behind these codecs, valid and not, of so many bytes."""
    number = 0
    for (codec, size), topic in product(sizes.items(), REQUIRED):
        required = REQUIRED[topic]
        for field in (*required, *UNUSED[topic]):
            number += 1
            user = f"poison-{number % 7}"
            content = {
                "user_id": user,
                "timestamp": BASE + 7200 + number / 1000,
                **dict.fromkeys(required, "/short"),
                **_NUMBERS[topic],
                field: f"{number}-" + "xyz" * (size // 3),
            }
            reason = "too-large" if field in required else None
            yield Poison(topic, codec, user, json.dumps(content).encode(), reason)
            del content["timestamp"]
            yield Poison(topic, codec, user, json.dumps(content).encode(), "missing-field")
        yield Poison(topic, codec, "u", b"[" * size, "not-json")
        yield Poison(topic, codec, "u", b"[" + b"{}," * (size // 3) + b"1]", "not-object")


def producer(bootstrap: str, codec: str) -> AIOKafkaProducer:
    """A producer that writes records however large they are before compression."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type=codec,
        max_request_size=64 * MIB,
        max_batch_size=8 * MIB,
        enable_idempotence=True,
    )


async def send(bootstrap: str, topics: dict[str, str], records: Iterator[Poison]) -> int:
    """Write them to partition 0 of their topics, each in a batch of its own; how many."""
    count = 0
    producers: dict[str, AIOKafkaProducer] = {}
    async with AsyncExitStack() as stack:
        for record in records:
            if record.codec not in producers:
                made = producer(bootstrap, record.codec)
                producers[record.codec] = await stack.enter_async_context(made)
            to, key = topics[record.topic], record.user.encode()
            await producers[record.codec].send_and_wait(to, record.value, key, partition=0)
            count += 1
    return count
