"""Contract section 4, totals: never late, never dropped; one partition's, or over all."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.oracle.exact_numbers import money
from tests.oracle.records import USER_EVENTS
from tests.oracle.results import TOTALS, Ledger
from tests.oracle.validate import Event


@dataclass
class Total:
    """User events by action, number of purchases and their revenue in millionths."""

    actions: Counter[str] = field(default_factory=Counter)
    purchases: int = 0
    micro: int = 0

    def answer(self) -> dict[str, object]:
        return {
            "actions": dict(self.actions),
            "purchases": self.purchases,
            "revenue": money(self.micro),
        }


class Totals:
    """The totals of one partition's users."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.stream_time: int | None = None
        self.users: dict[str, Total] = {}

    def take(self, event: Event, topic: str) -> None:
        self.stream_time = max(self.stream_time or 0, event.time)
        total = self.users.setdefault(event.user, Total())
        if topic == USER_EVENTS:
            total.actions[event.label] += 1
        else:
            total.purchases += 1
            total.micro += event.micro or 0
        self.ledger.applied(TOTALS, event)


def merged(partitions: Iterable[Totals]) -> Total:
    """The totals over all users and partitions."""
    whole = Total()
    for partition in partitions:
        for total in partition.users.values():
            whole.actions.update(total.actions)
            whole.purchases += total.purchases
            whole.micro += total.micro
    return whole
