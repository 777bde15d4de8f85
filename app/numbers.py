"""Numbers as flags and settings give them.

Python reads 1_000, NaN, infinities and the digits of all scripts as well; in a flag they are slips.
"""

import re
from typing import Final

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,30}")
_REAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def whole(given: object) -> int:
    """Read a whole number. ValueError for another text."""
    if isinstance(given, int):
        return given
    text = str(given).strip()
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a whole number")
    return int(text)


def real(given: object) -> float:
    """Read a finite decimal number. ValueError for another text."""
    if isinstance(given, float):
        return given
    text = str(given).strip()
    number = float(text) if _REAL.fullmatch(text) else None
    if number is None or abs(number) == float("inf"):
        raise ValueError(f"{text[:40]!r} is not a number")
    return number
