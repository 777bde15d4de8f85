"""Money and `value` in integer millionths (contract, section 2): exact, never in binary floats."""

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal

MILLION = 1_000_000
MAX_AMOUNT = 1_000_000_000
"""Largest amount, and largest magnitude of a `value`, in whole units."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def exact_decimal(text: str) -> Decimal | None:
    """The number that a JSON number text stands for, exactly; None if it is no finite double.

    A magnitude below the smallest double but not 0 comes back as 1e-400 with its sign: all rules of
    the contract (sign, range, rounding) treat the two alike, and no exponent can be made so small
    that arithmetic on it costs memory.
    """
    as_float = float(text)
    if as_float in (float("inf"), float("-inf")):
        return None
    if as_float == 0.0:
        mantissa = text.lower().partition("e")[0]
        if not mantissa.strip("-0."):
            return Decimal(0)
        return Decimal("-1e-400" if text.startswith("-") else "1e-400")
    return Decimal(text)


def scaled(number: Decimal, places: int) -> int:
    """`number` times 10**places as an integer: nearest, ties to even, exact for any digits."""
    context = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)
    moved = number.scaleb(places, context)
    return int(moved.to_integral_value(rounding=ROUND_HALF_EVEN))


def to_millionths(number: Decimal) -> int:
    """Millionths of an amount given as an exact decimal; the caller has checked its range."""
    return scaled(number, 6)


def parse_money(text: str) -> int:
    """Millionths of a JSON number text; ValueError if it is none, or beyond 1e9 either way."""
    number = exact_decimal(text) if _JSON_NUMBER.fullmatch(text) else None
    if number is None or abs(number) > MAX_AMOUNT:
        raise ValueError(f"not a number of at most {MAX_AMOUNT} in magnitude: {text[:40]!r}")
    return to_millionths(number)


def format_money(millionths: int) -> str:
    """JSON number text of an amount in millionths, with no more decimals than it needs (0 to 6)."""
    sign = "-" if millionths < 0 else ""
    whole, fraction = divmod(abs(millionths), MILLION)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:06d}".rstrip("0")


def average(sum_millionths: int, count: int) -> float:
    """The mean in whole units, in double precision, rounded once.

    `sum / count` of Python's integers is rounded correctly, so 10**6 goes into the divisor.
    Raises ZeroDivisionError for a count of 0: no window is without events.
    """
    return sum_millionths / (count * MILLION)
