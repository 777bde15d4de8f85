"""Brings a partition's store up to its changelog's last stable offset (reliability, rule 1)."""

import logging
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.engine import failpoints
from app.engine.store.base import Store

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


async def restore(
    consumer: AIOKafkaConsumer, changelog: TopicPartition, store: Store, progress: Progress
) -> int:
    """Apply the changelog's tail; how many records that were.

    `consumer`: read_committed, with no group, assigned to nothing else. `progress` is told the
    position and the end. A store that lies outside the changelog is dropped and built anew.
    """
    consumer.assign([changelog])
    first = (await consumer.beginning_offsets([changelog]))[changelog]
    end = (await consumer.end_offsets([changelog]))[changelog]
    at = store.changelog_offset
    if at is not None and not first <= at <= end:
        log.warning(
            "the store of %s partition %d is at offset %d, outside of its changelog (%d to %d): "
            "it is dropped and rebuilt",
            changelog.topic, changelog.partition, at, first, end,
        )  # fmt: skip
        store.clear()
        at = None
    position = first if at is None else at
    consumer.seek(changelog, position)
    applied = 0
    while position < end:
        fetched = await consumer.getmany(changelog, timeout_ms=500, max_records=10_000)
        records = fetched.get(changelog, [])
        position = await consumer.position(changelog)
        if records:
            store.write([(record.key, record.value) for record in records], position)
            applied += len(records)
            failpoints.hit(failpoints.IN_RECOVERY)
        progress(position, end)
    return applied
