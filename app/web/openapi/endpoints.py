"""EVERY path that clients may ask, described: add a new one here.

`document.py` makes the OpenAPI document from this table. A test compares the table with the routes
of the running application, so that a path cannot be forgotten here, nor described without being
there.
"""

from typing import NamedTuple

from app.web.guard import OPEN
from app.web.openapi.parameters import (
    CURSOR,
    FROM,
    LIMIT,
    TO,
    USER,
    VIEW,
    WATCHED_USER,
    Parameter,
)
from app.web.user_views import USER_VIEWS
from models.answers import Alive, AllTotals, Answer, Readiness, RevenuePage
from models.workers import Workers

JSON, HTML, TEXT, STREAM = "application/json", "text/html", "text/plain", "text/event-stream"
BAD_PARAMETER, UNAVAILABLE = 422, 503


class Endpoint(NamedTuple):
    """A path that is asked with GET.

    `answer`: the model of the 200's body, None where it is no JSON of a model; `media`: the body's
    media type. `problems`: the statuses with which it may be refused, beside those of keys.
    """

    path: str
    tag: str
    summary: str
    answer: type[Answer] | None = None
    media: str = JSON
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is answered without a key."""
        return self.path in OPEN


_USERS, _OVERALL, _LIVE, _SERVICE = "one user", "all users", "live", "the service"
_SPAN = (FROM, TO)

_USER_TEXTS: dict[str, tuple[str, tuple[Parameter, ...]]] = {
    "recent-clicks": ("The clicks of the last 10 minutes of stream time", ()),
    "event-counts": ("User events in windows of 5 minutes", _SPAN),
    "hopping-counts": ("User events in windows of 10 minutes, one every 2", _SPAN),
    "moving-average": ("The mean of the values in the 10 minutes up to the latest event", ()),
    "sessions": ("Visits: events at most 30 minutes apart", ()),
    "totals": ("Events by action, purchases and revenue, since ever", ()),
    "enriched-purchases": ("Purchases with their pages, the newest first", (LIMIT,)),
}
"""What each view of a user is called, and what it takes beside the user."""


def _user_views() -> list[Endpoint]:
    return [
        Endpoint(
            f"/v1/users/{{user_id}}/{view.name}",
            _USERS,
            _USER_TEXTS[view.name][0],
            view.answer,
            parameters=(USER, *_USER_TEXTS[view.name][1]),
            problems=(BAD_PARAMETER, UNAVAILABLE),
        )
        for view in USER_VIEWS
    ]


ENDPOINTS = (
    *_user_views(),
    Endpoint("/v1/totals", _OVERALL, "The totals of all users", AllTotals, problems=(UNAVAILABLE,)),
    Endpoint(
        "/v1/revenue",
        _OVERALL,
        "Revenue in windows of 5 minutes, over all users, page by page",
        RevenuePage,
        parameters=(FROM, TO, LIMIT, CURSOR),
        problems=(BAD_PARAMETER, UNAVAILABLE),
    ),
    Endpoint(
        "/v1/stream",
        _LIVE,
        "Views as they change, as Server-Sent Events: first as they are, then after each change",
        media=STREAM,
        parameters=(VIEW, WATCHED_USER, LIMIT),
        problems=(BAD_PARAMETER, UNAVAILABLE),
    ),
    Endpoint("/v1/workers", _LIVE, "The workers, their partitions, lag and state", Workers),
    Endpoint("/", _LIVE, "The live page", media=HTML),
    Endpoint("/livez", _SERVICE, "Whether the event loop answers", Alive, problems=(UNAVAILABLE,)),
    Endpoint(
        "/readyz",
        _SERVICE,
        "Whether the worker has joined, and has recovered all that is assigned to it",
        Readiness,
        problems=(UNAVAILABLE,),
    ),
    Endpoint("/metrics", _SERVICE, "Everything that is counted, for Prometheus", media=TEXT),
    Endpoint("/openapi.json", _SERVICE, "This document"),
    Endpoint("/docs", _SERVICE, "This document, to be read", media=HTML),
)

STREAMS = frozenset(endpoint.path for endpoint in ENDPOINTS if endpoint.media == STREAM)
"""Paths of answers that do not end by themselves."""
ASSETS = ("/docs/{name}", "/page/{name}")
"""Paths of what pages are made of: they are in no document."""
