"""Records that are written while things go wrong."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.fuzz import Fuzzer
from tests.service.traffic import BASE, traffic
from tests.support.service import Message, Service, send_in_batches

PIECE = 0.25
"""Seconds between two writes."""
LARGE = 900_000
"""Bytes: about what a topic takes by default."""
_DEEP = b'{"user_id": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def bad_values(user: str, dice: random.Random) -> bytes | None:
    """One value that is not valid, of many kinds."""
    event = f'"user_id": "{user}", "page": "/", "action": "a", "product_id": "p"'
    kinds: list[bytes | None] = [
        b"{",
        b"[]",
        b"",
        None,
        b"\xff\xfe",
        b'{"user_id": "\xe2\x82',
        b'{"user_id": "someone-else", "timestamp": 1}',
        f'{{{event}, "amount": 1}}'.encode(),
        f'{{{event}, "amount": 1, "timestamp": "{BASE}"}}'.encode(),
        f'{{{event}, "amount": 1, "timestamp": true}}'.encode(),
        f'{{{event}, "amount": NaN, "timestamp": NaN}}'.encode(),
        f'{{{event}, "amount": 1e400, "timestamp": 1e400}}'.encode(),
        f'{{{event}, "amount": 1, "timestamp": {"9" * 400}}}'.encode(),
        f'{{{event}, "amount": -1, "timestamp": -1}}'.encode(),
        f'{{{event}, "amount": 1, "timestamp": {BASE * 3}}}'.encode(),
    ]
    return dice.choice(kinds)


def spoilt(
    seed: int, messages: Iterator[Message], bad: float = 0.01, large: float = 0.0005
) -> Iterator[Message]:
    """Replace a share of the messages by bad ones, and make a share of the values large."""
    dice = random.Random(f"{seed}/bad")
    for topic, partition, key, value, timestamp in messages:
        chance = dice.random()
        user = (key or b"").decode()
        if chance < large / 2:
            yield filled((topic, partition, key, value, timestamp), LARGE)
        elif chance < large:
            spoil: bytes | None = dice.choice((b"x" * LARGE, _DEEP))
            yield topic, partition, key, spoil, timestamp
        elif chance < bad:
            nobody = dice.random() < 0.1
            spoil = value if nobody else bad_values(user, dice)
            yield topic, partition, None if nobody else key, spoil, timestamp
        else:
            yield topic, partition, key, value, timestamp


def filled(message: Message, size: int) -> Message:
    """The message, if it is an object, with so many bytes more in a field that nobody knows."""
    topic, partition, key, value, timestamp = message
    if not size or not (value or b"").endswith(b"}"):
        return message
    filler = f', "filler": "{"x" * size}"}}'.encode()
    return topic, partition, key, (value or b"")[:-1] + filler, timestamp


class Load:
    """Writes seeded traffic at a pace, and pieces of it at once when asked to.

    What lies in the topics in the end is what counts: a piece that met an error is written again,
    and may then be there twice, as records of their own.
    """

    def __init__(
        self, service: Service, seed: int, records: int, hours: float, fuzz: float = 0.0
    ) -> None:
        """`records` cover `hours` of event time; there are more of them, should it take longer.

        `fuzz`: the share of them that the fuzzer makes others of.
        """
        self.fuzzer = Fuzzer(service, seed)
        self._fuzz = fuzz
        self._owed = 0.0
        self._service = service
        many = 20
        messages = traffic(
            seed, many * records, service.partitions, seconds=many * hours * 3600, bad=0.0
        )
        self._messages = spoilt(seed, messages)
        self._lock = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self.written = 0
        self.again = 0
        self.pending = 0
        self.rate = 50.0
        self._pacing: asyncio.Task[None] | None = None

    async def burst(self, count: int, filler: int = 0) -> None:
        """Write the next `count` records now, with so many bytes more in each value.

        Returns when the broker has them.
        """
        async with self._lock:
            piece = [filled(message, filler) for message in islice(self._messages, count)]
            assert len(piece) == count, f"the load ends after {self.written} records"
            self._owed += count * self._fuzz
            strange = list(islice(self._messages, int(self._owed)))
            self._owed -= len(strange)
            self.pending = len(piece)
            while True:
                try:
                    async with asyncio.timeout(150):
                        await send_in_batches(await self._connected(), self._service.names, piece)
                        await self.fuzzer.write(strange)
                    break
                except (KafkaError, TimeoutError, OSError):
                    self.again += 1
                    await self._disconnect()
                    await asyncio.sleep(0.5)
            self.pending = 0
            self.written += len(piece)

    def start(self) -> None:
        """Write on at `rate` records a second until `stop`."""
        self._pacing = asyncio.create_task(self._pace(), name="load")

    async def stop(self) -> None:
        """Write no more; what is being written is written. Raises what had ended it."""
        pacing, self._pacing = self._pacing, None
        if pacing is None:
            return
        async with self._lock:
            pacing.cancel()
        with suppress(asyncio.CancelledError):
            await pacing

    async def close(self) -> None:
        """Stop, and let go of the connections."""
        await self.stop()
        await self.fuzzer.close()
        await self._disconnect()

    async def _pace(self) -> None:
        owed = 0.0
        while True:
            owed += self.rate * PIECE
            whole, owed = int(owed), owed - int(owed)
            await asyncio.gather(asyncio.sleep(PIECE), self.burst(whole))

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._service.bootstrap,
                enable_idempotence=True,
                acks="all",
                max_batch_size=1_000_000,
                max_request_size=4 << 20,
                # Three brokers go on without a silent one, and so does what writes to them.
                request_timeout_ms=120_000 if self._service.copies == 1 else 10_000,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.client.close()
                raise
            self._producer = producer
        return self._producer

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(5):
                await producer.stop()
        except (KafkaError, TimeoutError, AssertionError):
            await producer.client.close()
