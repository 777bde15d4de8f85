"""What paths take, as OpenAPI describes it; `app.web.parameters` reads them."""

from typing import Any, NamedTuple

from app.web.live.views import known
from app.web.parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_USER_BYTES


class Parameter(NamedTuple):
    """A parameter of a path. `place`: `path` or `query`; `schema`: JSON Schema 2020-12.

    `needed`: it must be given (one in the path always is).
    """

    name: str
    place: str
    description: str
    schema: dict[str, Any]
    needed: bool = False

    def described(self) -> dict[str, Any]:
        """Give OpenAPI's parameter object."""
        return {
            "name": self.name,
            "in": self.place,
            "required": self.needed or self.place == "path",
            "description": self.description,
            "schema": self.schema,
        }


_TIME = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}],
    "examples": ["2016-08-01T07:00:00Z", 1470034800],
}

USER = Parameter(
    "user_id",
    "path",
    f"The user as the records' key names them, percent-encoded; 1 to {MAX_USER_BYTES} bytes of "
    "UTF-8.",
    {"type": "string", "minLength": 1, "maxLength": MAX_USER_BYTES, "examples": ["ann"]},
)
FROM = Parameter(
    "from",
    "query",
    "Windows that end after this: ISO 8601 (UTC where there is no offset), or seconds since the "
    "epoch. From the oldest on where it is left out.",
    _TIME,
)
TO = Parameter(
    "to",
    "query",
    "Windows that start before this, in the form of `from`, and not before it. Up to the newest "
    "where it is left out.",
    _TIME,
)
LIMIT = Parameter(
    "limit",
    "query",
    f"The most items that the answer may have, at most {MAX_LIMIT:,}.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR = Parameter(
    "cursor",
    "query",
    "`next` of the page before: the answer goes on after it.",
    {"type": "string", "minLength": 2, "maxLength": 40, "pattern": "^[A-Za-z0-9_-]+$"},
)
VIEW = Parameter(
    "view",
    "query",
    f"One or more of {known()}, with commas between them. An event's type is its view.",
    {"type": "string", "examples": ["revenue", "recent-clicks,totals"]},
    needed=True,
)
WATCHED_USER = Parameter(
    "user",
    "query",
    "Whose views: needed for those of one user. `totals` is the user's then, else everybody's.",
    {"type": "string", "minLength": 1, "maxLength": MAX_USER_BYTES, "examples": ["ann"]},
)
