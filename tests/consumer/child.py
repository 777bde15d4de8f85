"""`python -m tests.consumer.child BROKER TOPIC GROUP OPTIONS SECONDS`: says what it handles.

OPTIONS is JSON for `ConsumerOptions`; SECONDS is how long each record takes. A line for each
record finished: `partition offset`.
"""

import asyncio
import json
import logging
import sys

from app.consumer import ConsumerOptions, ManualConsumer, Message


async def consume(broker: str, topic: str, group: str, options: str, seconds: str) -> None:
    async def handle(message: Message) -> None:
        await asyncio.sleep(float(seconds))
        print(message.partition, message.offset, flush=True)

    given = ConsumerOptions(**json.loads(options))
    async with ManualConsumer(broker, [topic], group, given) as consumer:
        await consumer.run(handle)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(consume(*sys.argv[1:]))
