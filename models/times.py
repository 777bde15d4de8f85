"""Event times, ISO 8601 and durations (contract, sections 1, 2 and 6). All in milliseconds."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from models.money import scaled

MILLISECONDS_ABOVE = 100_000_000_000
"""A timestamp greater than this is in milliseconds, else in seconds (contract, section 2)."""

_UNITS = {"": 1_000, "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(ms|s|m|h|d|)", re.ASCII)
_DAY = _UNITS["d"]
_CYCLE_YEARS = 400
_CYCLE_DAYS = 146_097
_LAST_DATETIME = 253_402_300_799_999


def to_milliseconds(timestamp: Decimal) -> int:
    """Event time of a `timestamp` given as an exact decimal: nearest millisecond, ties to even."""
    return scaled(timestamp, 0 if timestamp > MILLISECONDS_ABOVE else 3)


def iso(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds: `2016-08-01T07:00:12.000Z`.

    Works for every integer, as the Gregorian calendar has no end. Beyond the years 0 to 9999 the
    year has a sign and at least six digits, ISO 8601's expanded form as ECMAScript writes it.
    """
    days, ms_of_day = divmod(ms, _DAY)
    if 0 <= ms <= _LAST_DATETIME:
        day = datetime.fromtimestamp(days * 86_400, UTC)
        year = f"{day.year:04d}"
    else:
        cycles, day_of_cycle = divmod(days, _CYCLE_DAYS)
        day = datetime.fromtimestamp(day_of_cycle * 86_400, UTC)
        number = day.year + cycles * _CYCLE_YEARS
        year = f"{number:04d}" if 0 <= number <= 9999 else f"{number:+07d}"
    seconds, millis = divmod(ms_of_day, 1_000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{millis:03d}"
    return f"{year}-{day.month:02d}-{day.day:02d}T{clock}Z"


def parse_duration(text: str) -> int:
    """Milliseconds of a duration setting: `90` (seconds), `500ms`, `2s`, `10m`, `1h`, `7d`.

    Decimals are fine where the result is whole milliseconds (`1.5s`). Raises ValueError.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text[:40]!r} is not a duration: write seconds (90) or a number with a unit "
            "(500ms, 2s, 10m, 1h, 7d)"
        )
    ms = Decimal(match[1]) * _UNITS[match[2]]
    if ms != ms.to_integral_value():
        raise ValueError(f"{text[:40]!r} is not a whole number of milliseconds")
    return int(ms)
