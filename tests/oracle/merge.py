"""Contract section 4, the order in which one partition's clicks and purchases are taken."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from tests.oracle.records import CLICKS, Record, Settings
from tests.oracle.validate import Event


@dataclass(frozen=True, slots=True)
class Step:
    """One record taken. Of a purchase: what its header `clicks.offset` may say."""

    event: Event
    clicks_offset: frozenset[int] = frozenset()


@dataclass
class Queues:
    """One partition: the valid clicks and purchases in offset order, and all click records."""

    clicks: list[Event]
    purchases: list[Event]
    click_records: list[Record]

    def __post_init__(self) -> None:
        self.offsets = [click.record.offset for click in self.clicks]
        self.all_offsets = [record.offset for record in self.click_records]

    @property
    def end(self) -> int:
        """One past the last click record read."""
        return self.all_offsets[-1] + 1 if self.all_offsets else 0

    def next_offsets(self, taken: int) -> frozenset[int]:
        """The offset of the first click not yet taken, after `taken` clicks.

        A rejected record that lies before it may be named in its place: it takes no part in the
        merge, and the contract does not say whether it is a click not yet taken.
        """
        following = self.offsets[taken] if taken < len(self.offsets) else self.end
        low = self.offsets[taken - 1] + 1 if taken else 0
        first, last = bisect_left(self.all_offsets, low), bisect_left(self.all_offsets, following)
        return frozenset([*self.all_offsets[first:last], following])

    def click_goes_first(self, taken: int, purchase: Event, settings: Settings) -> bool:
        """Does the click after `taken` stand no later than the purchase?"""
        stands = purchase.time + settings.join_wait
        return taken < len(self.clicks) and self.clicks[taken].time <= stands


def ready_order(
    queues: Queues, settings: Settings, clicks_from: int = 0, purchases_from: int = 0
) -> list[Step]:
    """The contract's merge of complete queues: all waits are over when a queue is empty.

    Of what lies at these offsets and behind, where all that lies before them was taken.
    """
    steps: list[Step] = []
    taken = bisect_left(queues.offsets, clicks_from)
    for purchase in queues.purchases:
        if purchase.record.offset < purchases_from:
            continue
        while queues.click_goes_first(taken, purchase, settings):
            steps.append(Step(queues.clicks[taken]))
            taken += 1
        steps.append(Step(purchase, queues.next_offsets(taken)))
    return steps + [Step(click) for click in queues.clicks[taken:]]


class Replay:
    """The merge as the service chose it, told by the `clicks.offset` of each purchase.

    `chosen` is {purchase offset: clicks.offset}. `differences` collects the steps that no service
    that keeps the contract can take. With `slack` (milliseconds) the choices are also held against
    the append times: sound only where the inputs have LogAppendTime and no transactions.
    """

    def __init__(
        self, queues: Queues, chosen: dict[int, int], settings: Settings, slack: int | None = None
    ) -> None:
        self.queues = queues
        self.chosen = chosen
        self.settings = settings
        self.slack = slack
        self.differences: list[str] = []
        self.taken = 0
        self.now = 0

    def order(self) -> list[Step]:
        """The steps; a purchase without a known choice is placed as complete queues would."""
        steps: list[Step] = []
        for purchase in self.queues.purchases:
            until = self.clicks_before(purchase)
            for click in self.queues.clicks[self.taken : until]:
                self.check_click(click, purchase)
                steps.append(Step(click))
            self.taken = max(self.taken, until)
            self.check_purchase(purchase)
            steps.append(Step(purchase, self.accepted(purchase)))
        return steps + [Step(click) for click in self.queues.clicks[self.taken :]]

    def accepted(self, purchase: Event) -> frozenset[int]:
        chosen = self.chosen.get(purchase.record.offset)
        return self.queues.next_offsets(self.taken) if chosen is None else frozenset([chosen])

    def clicks_before(self, purchase: Event) -> int:
        """How many clicks were taken before the purchase."""
        chosen = self.chosen.get(purchase.record.offset)
        if chosen is None:
            until = self.taken
            while self.queues.click_goes_first(until, purchase, self.settings):
                until += 1
            return until
        until = bisect_left(self.queues.offsets, chosen)
        if until < self.taken:
            self.report(purchase, f"clicks.offset {chosen} goes back behind a click taken before")
        elif chosen > self.queues.end or chosen < 0:
            self.report(purchase, f"clicks.offset {chosen} is not in 0..{self.queues.end}")
        return until

    def check_click(self, click: Event, purchase: Event) -> None:
        """A click that stands behind a purchase passes it only if that was not yet there."""
        self.now = max(self.now, click.record.timestamp)
        behind = click.time > purchase.time + self.settings.join_wait
        if self.slack is None or not behind:
            return
        if purchase.record.timestamp + self.slack < self.now:
            at = click.record.offset
            self.report(purchase, f"was there, but click {at}, which stands behind it, went first")

    def check_purchase(self, purchase: Event) -> None:
        """A click that stands before a purchase is passed only if it came after the wait."""
        self.now = max(self.now, purchase.record.timestamp)
        if self.slack is None:
            return
        if not self.queues.click_goes_first(self.taken, purchase, self.settings):
            return
        click = self.queues.clicks[self.taken].record
        waited = purchase.record.timestamp + self.settings.join_wait
        if click.timestamp + self.slack < waited:
            self.report(purchase, f"did not wait for click {click.offset}, which stands before it")

    def report(self, purchase: Event, text: str) -> None:
        where = purchase.record
        self.differences.append(f"merge: purchase {where.partition}/{where.offset} {text}")


def choices(enriched: Iterable[Record]) -> dict[int, dict[int, int]]:
    """{partition: {purchase offset: clicks.offset}} from the observed enriched purchases."""
    found: dict[int, dict[int, int]] = {}
    for record in enriched:
        source, clicks = record.header("source.offset"), record.header(f"{CLICKS}.offset")
        if source and clicks and source.isdecimal() and clicks.isdecimal():
            found.setdefault(record.partition, {}).setdefault(int(source), int(clicks))
    return found
