"""Which dead letters have been replayed: a compacted topic, written with each replay."""

from collections.abc import Mapping
from typing import NamedTuple

from app.consumer.reading import records
from app.errors import UserError
from app.letters.find import Letter
from app.settings import Settings
from app.topic_identity import topic_identities
from app.topics_admin import ensure_topic
from models.topics import DEAD_LETTERS


class Ledger(NamedTuple):
    """`replayed`: when, ms, by key. `topic_id`: of `dead-letters`, which may be made anew."""

    topic_id: str
    partitions: int
    replayed: Mapping[bytes, int]

    def key(self, letter: Letter) -> bytes:
        """Name a letter for good: offsets begin anew with another topic, its id does not."""
        return f"{self.topic_id}/{letter.place}".encode()

    def when(self, letter: Letter) -> int | None:
        """Say when a letter was replayed, in ms; None if it was not."""
        return self.replayed.get(self.key(letter))


def ledger_topic(settings: Settings) -> str:
    """Name of the topic: internal, prefixed as the changelog is."""
    return f"{settings.app_id}-dead-letters-replayed"


async def read_ledger(settings: Settings) -> Ledger:
    """Read it to its end. Raises UserError: no broker, no `dead-letters`."""
    name, ledger = settings.catalogue().name(DEAD_LETTERS), ledger_topic(settings)
    found = (await topic_identities(settings.cluster, [name, ledger])).topics
    if name not in found:
        raise UserError(
            f"topic {name} does not exist at {settings.cluster}; see streamjoin topics create"
        )
    replayed: dict[bytes, int] = {}
    if ledger in found:
        async for message in records(settings.cluster, ledger):
            replayed[message.key or b""] = int(message.value or b"0")
    return Ledger(found[name].topic_id, found[name].partitions, replayed)


async def make_ledger(settings: Settings) -> None:
    """Create the topic if it is missing, replicated as `dead-letters` is. Raises UserError."""
    name = settings.catalogue().name(DEAD_LETTERS)
    configs = {"cleanup.policy": "compact"}
    await ensure_topic(settings.cluster, ledger_topic(settings), 1, name, configs)
