"""What a request asks for: user, range of time, limit, cursor. Each error names its parameter.

Parameters that a path does not know are ignored, so that clients can be newer than workers.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from app.web.problems import bad_parameter
from models.times import MILLISECONDS_ABOVE

MAX_USER_BYTES = 256
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
FOREVER = 2**62
"""A time (ms) beyond every event time, that still fits a row's key."""

_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?(?:[eE]\+?\d{1,2})?", re.ASCII)
_BASIC_DAY = re.compile(r"\d{8}", re.ASCII)
_LONG_YEAR = re.compile(r"([+-]\d{6})(-.*)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_YEARS, _CYCLE_MS = 400, 146_097 * 86_400_000
_CURSOR = re.compile(r"w(\d{1,19})", re.ASCII)


class Query(Protocol):
    """A request's decoded query, as aiohttp gives it."""

    def getall(self, key: str, default: list[str]) -> list[str]:
        """Give every value of a parameter."""


class Span(NamedTuple):
    """Windows that overlap [low, high) are wanted; ms. Empty where `low` is not below `high`."""

    low: int = 0
    high: int = FOREVER


def user_of(raw_path: str) -> str:
    """Give the user of `/.../users/{user_id}/...` as the producer wrote it in the key.

    `raw_path`: as it was sent, percent-encoded, since a user may hold slashes (%2F).
    """
    segment = raw_path.partition("/users/")[2].partition("/")[0]
    try:
        return checked_user(unquote_to_bytes(segment))
    except UnicodeEncodeError:
        raise bad_parameter("user_id", "is not UTF-8, percent-encoded") from None


def checked_user(raw: bytes, name: str = "user_id") -> str:
    """Give the user of a record's key. Raises ProblemError where no record has such a key."""
    if not 1 <= len(raw) <= MAX_USER_BYTES:
        raise bad_parameter(name, f"must have 1 to {MAX_USER_BYTES} bytes of UTF-8")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise bad_parameter(name, "is not UTF-8, percent-encoded") from None


def one(query: Query, name: str) -> str | None:
    """Give a parameter's value, None where it is not given; twice is an error."""
    given = query.getall(name, [])
    if len(given) > 1:
        raise bad_parameter(name, "is given more than once")
    return given[0] if given else None


def limit_of(query: Query) -> int:
    """Give `limit`: 1 to 1,000, 100 where it is not given."""
    text = one(query, "limit")
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not 1 <= int(text) <= MAX_LIMIT:
        raise bad_parameter("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def span_of(query: Query) -> Span:
    """Give the range of time that `from` and `to` select: [from, to)."""
    low, high = _time(query, "from"), _time(query, "to")
    if low is not None and high is not None:
        if high < low:
            raise bad_parameter("to", "lies before `from`")
        if high == low:
            return Span(0, 0)
    first = 0 if low is None else _clamped(low, ROUND_FLOOR)
    return Span(first, FOREVER if high is None else _clamped(high, ROUND_CEILING))


def _clamped(ms: Decimal, rounding: str) -> int:
    return max(0, min(int(ms.to_integral_value(rounding)), FOREVER))


def _time(query: Query, name: str) -> Decimal | None:
    text = one(query, name)
    if text is None:
        return None
    if (day := _as_day(text)) is not None:
        second = (_EPOCH + timedelta(seconds=int(text))).isoformat()
        raise bad_parameter(
            name,
            f"{text} may be the day {day}, or {second}, in seconds since the epoch: write {day} "
            f"or {text}.0",
        )
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise bad_parameter(
            name, "must be ISO 8601 (2016-08-01T07:00:00Z) or seconds since the epoch"
        ) from None


def _as_day(text: str) -> str | None:
    """Give the day that a number is in ISO 8601's basic format, if it is one of this epoch."""
    try:
        day = date.fromisoformat(text) if _BASIC_DAY.fullmatch(text) else None
    except ValueError:
        return None
    return None if day is None or day < _EPOCH.date() else day.isoformat()


def parse_time(text: str) -> Decimal:
    """Milliseconds since the epoch, exact, of ISO 8601 or of epoch seconds.

    A time without an offset is UTC. A number above 1e11 is in milliseconds, as everywhere in the
    service. Every time that the service answers with is understood. Raises ValueError.
    """
    if _NUMBER.fullmatch(text):
        number = Decimal(text)
        return number if number > MILLISECONDS_ABOVE else number * 1000
    # A plus sign that was not percent-encoded has arrived as a space.
    text = re.sub(r"^ (?=\d)| (?=\d\d:?\d\d$)", "+", text, count=1) if "T" in text else text
    shift = 0
    if year := _LONG_YEAR.fullmatch(text):
        cycles, rest = divmod(int(year[1]) - 2000, _CYCLE_YEARS)
        text, shift = f"{2000 + rest}{year[2]}", cycles * _CYCLE_MS
    when = datetime.fromisoformat(text)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return Decimal((when - _EPOCH) // timedelta(microseconds=1)) / 1000 + shift


def encode_cursor(start: int) -> str:
    """Give the cursor of the page that follows the window that starts at `start` (ms)."""
    return urlsafe_b64encode(f"w{start}".encode()).rstrip(b"=").decode()


def cursor_of(query: Query) -> int | None:
    """Give the start (ms) of the last window that the client has; None for the first page."""
    text = one(query, "cursor")
    if text is None:
        return None
    found = None
    if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text, re.ASCII) and len(text) % 4 != 1:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = _CURSOR.fullmatch(decoded.decode("latin-1"))
    if found is None or encode_cursor(int(found[1])) != text:
        raise bad_parameter("cursor", "must be the `next` of an earlier answer")
    return min(int(found[1]), FOREVER)
