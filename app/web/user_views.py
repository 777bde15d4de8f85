"""The views of one user: what each reads, and how it is answered (contract 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.web.membership import Snapshot
from app.web.parameters import DEFAULT_LIMIT, Query, Span, limit_of, span_of
from models.answers import (
    EnrichedPurchases,
    RecentClicks,
    UserAnswer,
    UserTotals,
    WindowCounts,
    instant,
    money,
)
from models.topics import CLICKS, PURCHASES, USER_EVENTS, Catalogue, Topic
from tables import enriched_purchases, enrichment, event_counts, recent_clicks, totals
from tables.rules import Rules


class Selection(NamedTuple):
    """What of the view is wanted."""

    span: Span = Span()
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True)
class UserView:
    """One view. `computation`: whose stream time it is as of; `topics`: whose offsets it shows.

    `select` reads its parameters; `fields` gives the members of `answer` beyond the common ones,
    of (state, user, stream time in ms or -1, rules, selection), their items as plain dicts: the
    model checks those faster than they could be made one by one.
    """

    name: str
    computation: str
    topics: tuple[Topic, ...]
    answer: type[UserAnswer]
    select: Callable[[Query], Selection]
    fields: Callable[[Snapshot, str, int, Rules, Selection], dict[str, Any]]

    def read(
        self, state: Snapshot, user_id: str, rules: Rules, catalogue: Catalogue, wanted: Selection
    ) -> UserAnswer:
        """Answer about a user; an unknown one has empty contents."""
        as_of = state.stream_time(self.computation)
        return self.answer(
            user_id=user_id,
            partition=state.number,
            as_of=None if as_of < 0 else instant(as_of),
            offsets=state.offsets(tuple(catalogue.name(topic) for topic in self.topics)),
            **self.fields(state, user_id, as_of, rules, wanted),
        )


def _everything(query: Query) -> Selection:
    return Selection()


def _by_span(query: Query) -> Selection:
    return Selection(span=span_of(query))


def _by_limit(query: Query) -> Selection:
    return Selection(limit=limit_of(query))


def _recent_clicks(
    state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
) -> dict[str, Any]:
    rows, parts = state.rows(recent_clicks.CLICKS), state.rows(recent_clicks.CLICK_PARTS)
    found = recent_clicks.view(rows, parts, user_id, as_of, rules)
    return {"clicks": [{"page": page, "timestamp": instant(time)} for time, _, page in found]}


def _event_counts(
    state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
) -> dict[str, Any]:
    low, high = wanted.span
    rows = state.rows(event_counts.COUNTS)
    found = event_counts.view(rows, user_id, as_of, rules, low, high) if low < high else []
    windows = [
        {
            "start": instant(w.start),
            "end": instant(w.end),
            "count": w.events,
            "closed": w.closed,
        }
        for w in found
    ]
    return {"windows": windows}


def _totals(
    state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
) -> dict[str, Any]:
    found = totals.view(state.rows(totals.TOTALS), user_id)
    return {
        "actions": found.actions,
        "purchases": found.purchases,
        "revenue": money(found.revenue),
    }


def _enriched_purchases(
    state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
) -> dict[str, Any]:
    rows = state.rows(enriched_purchases.ENRICHED)
    parts = state.rows(enriched_purchases.ENRICHED_PARTS)
    found = enriched_purchases.view(rows, parts, user_id, as_of, rules, wanted.limit)
    purchases = [
        {
            "product_id": product,
            "amount": money(amount),
            "recent_pages": pages,
            "timestamp": instant(time),
        }
        for time, _, product, amount, pages in found
    ]
    return {"purchases": purchases}


_SHOP = (CLICKS, PURCHASES)
USER_VIEWS = (
    UserView("recent-clicks", enrichment.NAME, _SHOP, RecentClicks, _everything, _recent_clicks),
    UserView(
        "event-counts", event_counts.NAME, (USER_EVENTS,), WindowCounts, _by_span, _event_counts
    ),
    UserView("totals", totals.NAME, (*_SHOP, USER_EVENTS), UserTotals, _everything, _totals),
    UserView(
        "enriched-purchases",
        enrichment.NAME,
        _SHOP,
        EnrichedPurchases,
        _by_limit,
        _enriched_purchases,
    ),
)
"""Every view at `/v1/users/{user_id}/{name}`: routes and documents are made from this."""
