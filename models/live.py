"""What the live views answer beyond those of `models.answers` (contract 6, `/v1/stream`)."""

from models.answers import Answer, Count, Overall, PurchaseItem


class Throughput(Overall):
    """Source records committed in each of the last seconds, the oldest first."""

    records_per_second: list[Count]


class DeadLetterCount(Answer):
    """How many records of a topic became dead letters for one reason."""

    topic: str
    reason: str
    count: Count


class SetAside(Overall):
    """How many records were set aside since ever; late ones once for each computation."""

    late_events: dict[str, Count]
    dead_letters: list[DeadLetterCount]


class NewestPurchases(Overall):
    """The newest enriched purchases of all users, by event time."""

    purchases: list[PurchaseItem]
