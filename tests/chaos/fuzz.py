"""Whole records at random: small on the wire and large inside, valid and not, by every codec.

A fuzzed record is made from one of the load's own, so that its key, its partition and its time
fit; what it holds is what the service has to take, or to refuse, without harm to the others.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from tests.oracle.compare_outputs import source_of
from tests.oracle.records import DEAD, Position, Record
from tests.support.service import Message, Service

CODECS: Final = (None, "gzip", "lz4", "snappy", "zstd")
LARGEST = 16 << 20
TOO_LARGE = "too-large"
FITS = 200_000
"""Bytes of a record that no row and no output of it can be too large for."""
_SIZES: Final = ((85, 10, 16), (12, 16, 20), (3, 20, 24))
"""(Weight, from, below): the size is a power of two between these; 0.2 MB on average."""
Headers = list[tuple[str, bytes]]
Making = Callable[[dict[str, Any], int, random.Random], bytes]


class Fuzzer:
    """Makes records from a seed, and writes them; refused ones have never been there.

    `written`: how many; `largest`: bytes of the largest.
    """

    def __init__(self, service: Service, seed: int) -> None:
        self._service = service
        self._dice = random.Random(f"{seed}/fuzz")
        self._producers: dict[str | None, AIOKafkaProducer] = {}
        self.written = 0
        self.largest = 0

    async def write(self, messages: Iterable[Message]) -> None:
        """Make a record of each, and write it."""
        for message in messages:
            (topic, partition, key, value, timestamp), headers = fuzzed(message, self._dice)
            producer = await self._producer(self._dice.choice(CODECS))
            try:
                await producer.send_and_wait(
                    self._service.names[topic],
                    key=key,
                    value=value,
                    partition=partition,
                    timestamp_ms=timestamp,
                    headers=headers,
                )
            except MessageSizeTooLargeError:
                continue  # It did not shrink, and the broker refused it: nobody gets it.
            self.written += 1
            self.largest = max(self.largest, len(value or b""))

    async def _producer(self, codec: str | None) -> AIOKafkaProducer:
        if codec not in self._producers:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._service.bootstrap,
                enable_idempotence=True,
                compression_type=codec,
                max_request_size=2 * LARGEST,
                request_timeout_ms=30_000,
            )
            await producer.start()
            self._producers[codec] = producer
        return self._producers[codec]

    async def close(self) -> None:
        """Let go of all connections; they are made anew if it writes again."""
        producers, self._producers = self._producers, {}
        for producer in producers.values():
            await producer.stop()


def size(dice: random.Random) -> int:
    """Bytes of a value, 1 KB to 16 MB."""
    (_, low, high) = dice.choices(_SIZES, [weight for weight, *_ in _SIZES])[0]
    return min(int(2 ** dice.uniform(low, high)), LARGEST - 4096)


def fuzzed(message: Message, dice: random.Random) -> tuple[Message, Headers]:
    """A record of the same place, key and time as this one, with other content."""
    topic, partition, key, value, timestamp = message
    made = dice.choice(MAKINGS)(event_of(value), size(dice), dice)
    headers = [
        (f"h{n}", dice.randbytes(8) * dice.choice((1, 100))) for n in range(dice.randrange(4))
    ]
    if dice.random() < 0.02:
        key = key and key + b"k" * size(dice)
    return (topic, partition, key, made, timestamp), headers


def event_of(value: bytes | None) -> dict[str, Any]:
    """The event in a record of the load; an empty one where it is a bad record."""
    try:
        found = json.loads(value or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def text(event: Mapping[str, object]) -> bytes:
    return json.dumps(event).encode()


def unknown_field(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    return text({**event, "unknown": dice.choice("aé漢") * (size // 3)})


def unknown_fields(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    return text({**event, **{f"unknown-{n}": dice.randrange(9) for n in range(size // 16)}})


def known_field(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    """A text of the event itself becomes large: what is stored and written of it does so too."""
    names = [name for name, held in event.items() if isinstance(held, str) and name != "user_id"]
    return text({**event, dice.choice(names or ["page"]): "p" * size})


def spaces(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    return text(event)[:-1] + dice.choice((b" ", b"\n", b"\t")) * size + b"}"


def nested(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    depth = dice.choice((5, 50, 500, size // 2))
    return text(event)[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"


def wide(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    return text({**event, "wide": [[dice.randrange(9)]] * (size // 6)})


def cut(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    whole = unknown_field(event, size, dice)
    return whole[: dice.randrange(len(whole))]


def noise(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    return dice.randbytes(64) * (size // 64)


def long_number(event: dict[str, Any], size: int, dice: random.Random) -> bytes:
    digits = b"9" * min(size, 1 << 20)
    name = dice.choice((b"amount", b"value", b"timestamp", b"unknown"))
    return text(event)[:-1] + b', "' + name + b'": ' + digits + b"}"


MAKINGS: Final[tuple[Making, ...]] = (
    unknown_field,
    unknown_fields,
    known_field,
    known_field,
    spaces,
    nested,
    wide,
    cut,
    noise,
    long_number,
)


def too_large(outputs: Iterable[Record], names: Mapping[str, str]) -> dict[Position, str]:
    """Records that the service found too large, by its dead letters; for the model.

    How large a row or an output may be is the topics' matter, so that it is read from there.
    """
    found: dict[Position, str] = {}
    for record in outputs:
        source = source_of(record)
        if record.topic == names[DEAD] and source and record.header("error.type") == TOO_LARGE:
            found[source[:3]] = TOO_LARGE
    return found


def not_large(found: Iterable[Position], inputs: Iterable[Record]) -> list[str]:
    """Those that the service called too large, and which cannot be: `fuzz:not-large`."""
    sizes = {
        record.position: len(record.value or b"") + len(record.key or b"") for record in inputs
    }
    return [
        f"fuzz:not-large: {place} of {sizes.get(place)} bytes"
        for place in found
        if sizes.get(place, 0) < FITS
    ]
