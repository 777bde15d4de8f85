"""What the service will make of the events that a replay sends: its own decoders say."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from models.codec import DECODERS
from models.dead_letters import Rejected
from models.topics import Topic

_BATCH: Final = 500


class _Sent(msgspec.Struct, gc=False):
    """A record as a worker will read it, with the line that it was made from."""

    key: bytes
    value: bytes
    path: Path
    line: int
    timestamp: int = -1
    topic: str = ""
    partition: int = 0
    offset: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


class Judge:
    """Counts the records that will be dead letters, by reason, and tells the first of each file.

    `refused` is whole after `finish`.
    """

    def __init__(
        self, max_future_ms: int, now: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        """`max_future_ms`: as the service has it; `now`: seconds; `tell` gets a line for people."""
        self.refused: Counter[str] = Counter()
        self._max_future_ms = max_future_ms
        self._now = now
        self._tell = tell
        self._told: set[tuple[Path, str]] = set()
        self._waiting: dict[str, list[_Sent]] = {}

    def add(self, topic: Topic, key: bytes, value: bytes, path: Path, line: int) -> None:
        """Take note of a record that is sent to an input."""
        waiting = self._waiting.setdefault(topic.id, [])
        waiting.append(_Sent(key, value, path, line))
        if len(waiting) >= _BATCH:
            self._judge(topic.id)

    def finish(self) -> None:
        """Judge what is left."""
        for topic_id in self._waiting:
            self._judge(topic_id)

    def _judge(self, topic_id: str) -> None:
        batch, stamp = self._waiting[topic_id], round(self._now() * 1000)
        self._waiting[topic_id] = []
        for sent in batch:
            sent.timestamp = stamp
        for sent, outcome in zip(
            batch, DECODERS[topic_id](batch, self._max_future_ms), strict=True
        ):
            if isinstance(outcome, Rejected):
                self.refused[outcome.error] += 1
                if (sent.path, outcome.error) not in self._told:
                    self._told.add((sent.path, outcome.error))
                    self._tell(
                        f"{sent.path}:{sent.line}: sent, and will be a dead letter "
                        f"({outcome.error}: {outcome.message})"
                    )
