"""Contract section 4, enrichment: one partition's merged steps -> enriched purchases and views."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass

from tests.oracle.exact_numbers import iso, money
from tests.oracle.merge import Step
from tests.oracle.records import Settings
from tests.oracle.results import ENRICHMENT, Ledger
from tests.oracle.validate import Event

LAST = float("inf")


@dataclass(frozen=True, slots=True)
class Enriched:
    """A purchase with the pages that it got. `clicks_offset`: what its header may say."""

    purchase: Event
    pages: tuple[str, ...]
    clicks_offset: frozenset[int]

    def value(self) -> dict[str, object]:
        return {
            "user_id": self.purchase.user,
            "product_id": self.purchase.label,
            "amount": money(self.purchase.micro or 0),
            "recent_pages": list(self.pages),
        }


class Enrichment:
    """The state of one partition."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.stream_time: int | None = None
        self.clicks: dict[str, list[tuple[int, int, str]]] = {}
        self.enriched: list[Enriched] = []
        self.of_user: dict[str, list[Enriched]] = {}

    @property
    def reach(self) -> int:
        """How far behind stream time a click is still in time, without the grace."""
        return self.settings.join_window + self.settings.join_wait

    def take(self, step: Step) -> None:
        event = step.event
        self.stream_time = max(self.stream_time or 0, event.time)
        if event.micro is None:
            self.take_click(event, self.stream_time)
        else:
            self.take_purchase(event, step.clicks_offset, self.stream_time)

    def take_click(self, click: Event, now: int) -> None:
        end, grace = click.time + self.reach, self.settings.grace
        if now > end + grace:
            self.ledger.too_late(ENRICHMENT, click, now, end, grace)
            return
        kept = self.clicks.setdefault(click.user, [])
        insort(kept, (click.time, click.record.offset, click.label))
        self.ledger.applied(ENRICHMENT, click)

    def take_purchase(self, purchase: Event, clicks_offset: frozenset[int], now: int) -> None:
        stands, grace = purchase.time + self.settings.join_wait, self.settings.grace
        oldest = max(purchase.time - self.settings.join_window, now - self.reach - grace)
        pages = [page for _, _, page in self.between(purchase.user, oldest, purchase.time)]
        newest = tuple(pages[-self.settings.max_pages :])
        enriched = Enriched(purchase, newest, clicks_offset)
        self.enriched.append(enriched)
        self.of_user.setdefault(purchase.user, []).append(enriched)
        if now > stands + grace:
            self.ledger.too_late(ENRICHMENT, purchase, now, stands, grace)
        else:
            self.ledger.applied(ENRICHMENT, purchase)

    def between(self, user: str, first: int, last: int) -> list[tuple[int, int, str]]:
        """The user's kept clicks with event time in [first, last], by (event time, offset)."""
        kept = self.clicks.get(user, [])
        return kept[bisect_left(kept, (first,)) : bisect_right(kept, (last, LAST))]

    def recent_clicks(self, user: str) -> list[dict[str, object]]:
        """The view: [as_of - 10 min, as_of]."""
        if self.stream_time is None:
            return []
        found = self.between(user, self.stream_time - self.settings.join_window, self.stream_time)
        return [{"page": page, "timestamp": iso(time)} for time, _, page in found]

    def purchases_of(self, user: str) -> list[dict[str, object]]:
        """The view of enriched purchases still kept, newest first (event time, then offset)."""
        oldest = (self.stream_time or 0) - self.settings.retention
        mine = [e for e in self.of_user.get(user, []) if e.purchase.time >= oldest]
        mine.sort(key=lambda e: (e.purchase.time, e.purchase.record.offset), reverse=True)
        return [{**e.value(), "timestamp": iso(e.purchase.time)} for e in mine]
