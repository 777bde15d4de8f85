"""Outputs, partial sums and changelog compressed by setting, and what comes out the same."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.connections import producer
from app.settings import load_settings
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
"""In the order of their numbers in a batch's attributes (KIP-98)."""
_CONTROL = 0x20


def codecs(folder: Path, topic: str) -> Iterator[str]:
    """How each batch of data in a topic's segments is compressed."""
    for segment in sorted(folder.glob(f"data/{topic}-[0-9]*/*.log")):
        data, at = segment.read_bytes(), 0
        while at + 23 <= len(data):
            (size,), (attributes,) = struct.unpack_from(">i", data, at + 8), data[at + 22 : at + 23]
            if size <= 0:
                break  # What the broker has allocated and not yet written.
            if not attributes & _CONTROL:
                yield CODECS[attributes & 7]
            at += 12 + size


def purchases() -> Iterator[Message]:
    for number in range(200):
        user, page = f"u{number % 3}", "/page" * 20
        click = {"user_id": user, "page": page, "timestamp": 1000 + number}
        bought = {"user_id": user, "product_id": "p", "amount": 5, "timestamp": 1000.5 + number}
        yield keyed("clicks", user, json.dumps(click), 1)
        yield keyed("purchases", user, json.dumps(bought), 1)


@pytest.mark.parametrize("codec", ["none", "zstd"])
async def test_what_is_written_is_compressed_and_the_same(
    kafka: Kafka, tmp_path: Path, codec: str
) -> None:
    service = await Service(kafka.bootstrap, 1, {"compression": codec}).create()
    await service.send(purchases())
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    outputs = await service.outputs()
    differences = compare_outputs(Model(await service.inputs(), service.oracle).run(), outputs)
    assert not differences, lines(differences)
    changelog = f"{service.app_id}-state-changelog"
    for topic in (service.names["enriched-purchases"], changelog):
        assert set(codecs(kafka.broker.folder, topic)) == {codec}


@pytest.mark.parametrize("codec", CODECS)
async def test_each_codec_is_taken(kafka: Kafka, codec: str) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    topic = service.names["late-events"]
    settings = load_settings(broker=kafka.bootstrap, app_id=service.app_id, compression=codec)
    async with producer(settings, None) as client:
        batch = client.create_batch()
        batch.append(key=b"k", value=b"v" * 1000, timestamp=None)
        await (await client.send_batch(batch, topic, partition=0))
    assert list(codecs(kafka.broker.folder, topic)) == [codec]
    [record] = await service.output("late-events")
    assert record.value == b"v" * 1000
