"""Which views a stream shows: what its parameters say."""

from typing import NamedTuple

from app.web.live.user_states import Watched
from app.web.parameters import Query, checked_user, limit_of, one
from app.web.problems import bad_parameter
from app.web.user_view import Selection
from app.web.user_views import USER_VIEWS

OVERALL = ("revenue", "totals", "newest-purchases", "set-aside", "workers", "throughput")
"""Views over all partitions. `totals` with a user is the user's."""
_OF_USERS = {view.name: view for view in USER_VIEWS}
_LIMITED = ("revenue", "enriched-purchases")


class OverallView(NamedTuple):
    """A view over all partitions; `limit`: items of those that have one, 0 for others."""

    name: str
    limit: int


View = OverallView | Watched
"""What a channel shows: equal ones are one channel."""


def name_of(view: View) -> str:
    """Give the view's name, which is the type of its events."""
    return view.name if isinstance(view, OverallView) else view.view.name


def views_of(query: Query) -> list[View]:
    """Give the views that `view` names, in its order; ProblemError 422 naming what is wrong."""
    text = one(query, "view")
    if text is None:
        raise bad_parameter("view", f"is missing: one or more of {known()}, with commas between")
    user, limit = _user(query), limit_of(query)
    return [_view(name, user, limit) for name in dict.fromkeys(text.split(","))]


def _user(query: Query) -> str | None:
    given = one(query, "user")
    if given is None:
        return None
    try:
        return checked_user(given.encode(), "user")
    except UnicodeEncodeError:
        raise bad_parameter("user", "is not UTF-8, percent-encoded") from None


def _view(name: str, user: str | None, limit: int) -> View:
    if name in _OF_USERS and (user is not None or name not in OVERALL):
        if user is None:
            raise bad_parameter("user", f"is missing: {name} is a view of one user")
        view = _OF_USERS[name]
        return Watched(view, user, Selection(limit=limit) if name in _LIMITED else Selection())
    if name not in OVERALL:
        raise bad_parameter("view", f"has an unknown name in it: known are {known()}")
    return OverallView(name, limit if name in _LIMITED else 0)


def known() -> str:
    """Give the names of all views."""
    return ", ".join(dict.fromkeys((*OVERALL, *_OF_USERS)))
