"""The views of one user: what each reads, and how it is answered (contract 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.web.membership import Snapshot
from app.web.parameters import DEFAULT_LIMIT, Query, Span, limit_of, span_of
from models.answers import (
    EnrichedPurchases,
    MovingAverage,
    RecentClicks,
    UserAnswer,
    UserSessions,
    UserTotals,
    WindowCounts,
    instant,
    money,
)
from models.money import average
from models.topics import CLICKS, PURCHASES, USER_EVENTS, Catalogue, Topic
from tables import (
    enriched_purchases,
    enrichment,
    event_counts,
    hopping_counts,
    moving_average,
    recent_clicks,
    sessions,
    totals,
    window_counts,
)
from tables.count_rows import CountTables
from tables.rules import Rules
from tables.series_rows import HEADS, PARTS
from tables.windows import Aligned


class Selection(NamedTuple):
    """What of the view is wanted."""

    span: Span = Span()
    limit: int = DEFAULT_LIMIT


Fields = Callable[[Snapshot, str, int, Rules, Selection], dict[str, Any]]


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
    fields: Fields

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


def _counts(tables: CountTables, windows: Callable[[Rules], Aligned]) -> Fields:
    def read(
        state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
    ) -> dict[str, Any]:
        low, high = wanted.span
        if low >= high:
            return {"windows": []}
        rows, newest = (
            state.rows(tables.counts),
            None if tables.newest is None else state.parts(tables.newest),
        )
        found = window_counts.view(rows, newest, windows(rules), user_id, as_of, rules, low, high)
        return {
            "windows": [
                {
                    "start": instant(w.start),
                    "end": instant(w.end),
                    "count": w.events,
                    "closed": w.closed,
                }
                for w in found
            ]
        }

    return read


def _moving_average(
    state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
) -> dict[str, Any]:
    rows, parts = state.parts(HEADS), state.rows(PARTS)
    found = moving_average.view(rows, parts, user_id, as_of, rules)
    if found is None:
        return {"average": None, "count": 0, "start": None, "end": None}
    return {
        "average": average(found.sum, found.values),
        "count": found.values,
        "start": instant(found.start),
        "end": instant(found.end),
    }


def _sessions(
    state: Snapshot, user_id: str, as_of: int, rules: Rules, wanted: Selection
) -> dict[str, Any]:
    rows, closed = state.parts(sessions.OPEN), state.rows(sessions.CLOSED)
    found = sessions.view(rows, closed, user_id, as_of, rules)
    return {
        "sessions": [
            {
                "start": instant(s.start),
                "end": instant(s.end),
                "count": s.events,
                "closed": s.closed,
            }
            for s in found
        ]
    }


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
            "user_id": user_id,
            "product_id": product,
            "amount": money(amount),
            "recent_pages": pages,
            "timestamp": instant(time),
        }
        for time, _, product, amount, pages in found
    ]
    return {"purchases": purchases}


_SHOP, _EVENTS = (CLICKS, PURCHASES), (USER_EVENTS,)
_COUNTS = _counts(event_counts.TABLES, event_counts.windows)
_HOPPING = _counts(hopping_counts.TABLES, hopping_counts.windows)
USER_VIEWS = (
    UserView("recent-clicks", enrichment.NAME, _SHOP, RecentClicks, _everything, _recent_clicks),
    UserView("event-counts", event_counts.NAME, _EVENTS, WindowCounts, _by_span, _COUNTS),
    UserView("hopping-counts", hopping_counts.NAME, _EVENTS, WindowCounts, _by_span, _HOPPING),
    UserView(
        "moving-average", moving_average.NAME, _EVENTS, MovingAverage, _everything, _moving_average
    ),
    UserView("sessions", sessions.NAME, _EVENTS, UserSessions, _everything, _sessions),
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
