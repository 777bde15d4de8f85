"""Reads `dead-letters` back: what was refused, why, and when."""

from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple, Self

from app.cluster import Broker
from app.consumer import Message
from app.consumer.headers import HeaderTexts
from app.consumer.reading import Ends, records


class Letter(NamedTuple):
    """A dead letter. Missing headers are empty, or -1.

    `reason`: one of `models.dead_letters.ErrorType`; `failed_at`: ms; `topic`, `partition`,
    `offset`: of the source; `replaced`: its value was too large for the topic and is not in it.
    """

    reason: str
    text: str
    failed_at: int
    topic: str
    partition: int
    offset: int
    replaced: bool
    message: Message

    @classmethod
    def of(cls, message: Message) -> Self:
        """Read its headers."""
        headers = HeaderTexts.of(message)
        return cls(
            headers.text("error.type"),
            headers.text("error.message"),
            headers.number("failed.at"),
            headers.text("source.topic"),
            headers.number("source.partition"),
            headers.number("source.offset"),
            "value.size" in headers or "key.size" in headers,
            message,
        )

    @property
    def place(self) -> str:
        """Where the letter lies: partition@offset."""
        return f"{self.message.partition}@{self.message.offset}"

    @property
    def source(self) -> str:
        """Where its record lies: topic/partition@offset."""
        return f"{self.topic}/{self.partition}@{self.offset}"


class Wanted(NamedTuple):
    """Which letters: of these reasons (all, if none is given), failed in [since, until), in ms.

    `topic`: its source, by actual name. None, and 0 to the end of time, for all.
    """

    reasons: Collection[str] = ()
    since: int | None = None
    until: int | None = None
    topic: str | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether it is wanted."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
            and self.topic in (None, letter.topic)
        )


class Found(NamedTuple):
    """`newest`: those that failed last; `counts`: of all wanted, by reason."""

    newest: Sequence[Letter]
    counts: Counter[str]


async def letters(
    broker: Broker, topic: str, wanted: Wanted, ends: Ends | None = None
) -> AsyncIterator[Letter]:
    """Give the letters that are wanted, as `records` does."""
    async for message in records(broker, topic, ends):
        letter = Letter.of(message)
        if wanted.takes(letter):
            yield letter


async def find_letters(broker: Broker, topic: str, wanted: Wanted, limit: int) -> Found:
    """Go through the topic up to its end as of now; the last `limit` by time of failure."""
    counts, newest = Counter[str](), dict[int, deque[Letter]]()
    async for letter in letters(broker, topic, wanted):
        counts[letter.reason] += 1
        newest.setdefault(letter.message.partition, deque(maxlen=limit)).append(letter)
    found = [letter for kept in newest.values() for letter in kept]
    found.sort(key=lambda letter: letter.failed_at)
    return Found(found[-limit:], counts)
