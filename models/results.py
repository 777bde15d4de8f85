"""Output keys and values as bytes, in the exact formats of the contract, section 2."""

from msgspec import Raw
from msgspec.json import Encoder

from models.money import MILLION, average, format_money

_encode = Encoder().encode

_EXACT_FROM = 100
_EXACT_BELOW = 10**15


def _money(millionths: int) -> float | Raw:
    """An amount as something that the encoder writes exactly, with at most 6 decimals.

    A quotient of integers is rounded correctly, and a decimal of at most 15 digits is the shortest
    text of the double nearest to it, so that the encoder's shortest text *is* the amount; from
    0.0001 on it has no exponent. Others are written from their own text.
    """
    if _EXACT_FROM <= millionths < _EXACT_BELOW:
        return millionths / MILLION
    return Raw(format_money(millionths).encode())


def enriched_purchase(
    user_id: str, product_id: str, amount_millionths: int, recent_pages: list[str]
) -> bytes:
    """Value on `enriched-purchases`. `recent_pages`: by (event time, offset), at most 50."""
    return _encode(
        {
            "user_id": user_id,
            "product_id": product_id,
            "amount": _money(amount_millionths),
            "recent_pages": recent_pages,
        }
    )


def event_count_key(user_id: str, window_start: int) -> bytes:
    """Key on `event-counts-per-5min`: `{user_id}@{window start}`, milliseconds."""
    return f"{user_id}@{window_start}".encode()


def event_count(count: int) -> bytes:
    """Value on `event-counts-per-5min`: the count, a JSON integer."""
    return b"%d" % count


def moving_average(
    user_id: str, window_start: int, window_end: int, count: int, sum_millionths: int
) -> bytes:
    """Value on `moving-averages`. Both ends are inclusive; `count` is at least 1."""
    mean = average(sum_millionths, count)
    return _encode(
        {
            "user_id": user_id,
            "window_start": window_start,
            "window_end": window_end,
            "count": count,
            "average": mean,
        }
    )


def user_session(user_id: str, start: int, end: int, count: int) -> bytes:
    """Value on `user-sessions`. `end`: event time of the session's last event."""
    return _encode({"user_id": user_id, "start": start, "end": end, "count": count})


def revenue_key(window_start: int) -> bytes:
    """Key on `revenue-per-5min` and on the internal topic of partial sums."""
    return b"%d" % window_start


def revenue(window_start: int, window_end: int, revenue_millionths: int, purchases: int) -> bytes:
    """Value on `revenue-per-5min`. `window_end` is exclusive."""
    return _encode(
        {
            "window_start": window_start,
            "window_end": window_end,
            "revenue": _money(revenue_millionths),
            "purchases": purchases,
        }
    )
