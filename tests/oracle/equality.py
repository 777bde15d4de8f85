"""Equality of what was expected with what was parsed out of the service's JSON."""

import json
import math
from decimal import Decimal

from tests.oracle.exact_numbers import from_iso


def parse_answer(text: bytes | str) -> object:
    """JSON with fractions as Decimal: 12.5 equals 12.50, and 5.0 is not the integer 5."""
    return json.loads(text, parse_float=Decimal)


def same_number(expected: int | float | Decimal, seen: object) -> bool:
    """An expected int must be written as one; a float is compared to 12 digits."""
    if isinstance(seen, bool) or not isinstance(seen, int | Decimal | float):
        return False
    if isinstance(expected, float):
        return math.isclose(expected, float(seen), rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(expected, int):
        return isinstance(seen, int) and expected == seen
    return expected == (Decimal(repr(seen)) if isinstance(seen, float) else seen)


def same_text(expected: str, seen: object) -> bool:
    """The same text, or the same time written otherwise (+00:00 for Z)."""
    if not isinstance(seen, str):
        return False
    if expected == seen:
        return True
    try:
        return expected.endswith("Z") and from_iso(expected) == from_iso(seen)
    except ValueError:
        return False


def same(expected: object, seen: object, *, more: bool = False) -> bool:
    """Equal as the contract counts it; with `more`, objects seen may have further fields."""
    if isinstance(expected, bool) or expected is None:
        return expected is seen
    if isinstance(expected, int | float | Decimal):
        return same_number(expected, seen)
    if isinstance(expected, str):
        return same_text(expected, seen) if more else expected == seen
    if isinstance(expected, list):
        if not isinstance(seen, list) or len(expected) != len(seen):
            return False
        return all(same(e, s, more=more) for e, s in zip(expected, seen, strict=True))
    if isinstance(expected, dict) and isinstance(seen, dict):
        if not (expected.keys() <= seen.keys() if more else expected.keys() == seen.keys()):
            return False
        return all(same(value, seen[name], more=more) for name, value in expected.items())
    return False


def shown(value: object, limit: int = 300) -> str:
    """For a message: JSON where it can be, cut."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except TypeError:
        text = repr(value)
    return text if len(text) <= limit else text[:limit] + "..."
