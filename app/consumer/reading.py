"""Reading a topic from its beginning to where it ends now."""

from collections.abc import AsyncIterator, Mapping

from app.cluster import Broker
from app.consumer.consumer import ManualConsumer
from app.consumer.message import Message
from app.consumer.options import ConsumerOptions

_OPTIONS = ConsumerOptions(max_poll_records=5000)
Ends = Mapping[tuple[str, int], int]


async def records(broker: Broker, topic: str, ends: Ends | None = None) -> AsyncIterator[Message]:
    """Give a topic's records up to `ends`, by default its end as of now; each partition in order.

    Raises UserError when it cannot be read.
    """
    async with ManualConsumer(broker, [topic], None, _OPTIONS) as consumer:
        ends = await consumer.end_offsets() if ends is None else ends
        while _is_short(consumer, ends):
            for message in await consumer.fetch():
                consumer.finish(message)
                if message.offset < ends[topic, message.partition]:
                    yield message


async def topic_ends(broker: Broker, topic: str) -> Ends:
    """Say where the committed records of each partition end now. Raises UserError."""
    async with ManualConsumer(broker, [topic], None, _OPTIONS) as consumer:
        return await consumer.end_offsets()


def _is_short(consumer: ManualConsumer, ends: Ends) -> bool:
    positions = consumer.positions()
    return positions is None or any(positions.get(place, 0) < end for place, end in ends.items())
