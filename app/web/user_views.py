"""The views of one user: what each reads, and how it is answered (contract 6)."""

from collections.abc import Callable
from typing import Any

from app.web.membership import Snapshot
from app.web.parameters import Query, limit_of, span_of
from app.web.user_view import Fields, Selection, UserView
from models.answers import (
    ClickItem,
    EnrichedPurchases,
    MovingAverage,
    RecentClicks,
    UserSessions,
    UserTotals,
    WindowCounts,
    instant,
    money,
)
from models.money import average
from models.topics import CLICKS, PURCHASES, USER_EVENTS
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
    return {
        "clicks": (
            [{"page": page, "timestamp": instant(time)} for time, _, page in some] for some in found
        )
    }


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
    UserView(
        "recent-clicks",
        enrichment.NAME,
        _SHOP,
        RecentClicks,
        _everything,
        _recent_clicks,
        long=("clicks", ClickItem),
    ),
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
