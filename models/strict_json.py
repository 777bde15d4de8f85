"""JSON as the contract wants it (section 2), exact to the last digit, whatever the bytes.

Python's `json` with what it lacks: numbers keep their text, NaN and Infinity, lone surrogates and
deep nesting are refused. Not for speed; `models.codec` has a fast path.
"""

import re
from json import JSONDecoder
from typing import NoReturn

MAX_DEPTH = 128
"""Deepest nesting taken as valid, the outermost object or array being the first level."""


class Number(str):
    """The text of a JSON number, kept apart from strings by its type."""

    __slots__ = ()


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_decoder = JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)

# Only for text that is known to be JSON: there a backslash occurs in strings alone.
_PAIRED_SURROGATES = re.compile(
    r"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse(value: bytes) -> object:
    """The decoded value: dict (of duplicate names the last), list, str, Number, bool or None.

    Raises ValueError with a message that holds nothing of the value.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise ValueError("the value is not UTF-8") from None
    if _too_deep(text):
        raise ValueError(f"the value is nested more than {MAX_DEPTH} levels deep")
    try:
        found: object = _decoder.decode(text)
    except ValueError:
        raise ValueError("the value is not JSON") from None
    if "\\u" in text and not _PAIRED_SURROGATES.fullmatch(text):
        raise ValueError("the value holds a lone surrogate")
    return found


def _too_deep(text: str) -> bool:
    """Whether JSON text has more than MAX_DEPTH levels; without recursion, whatever the text."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        first = match[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in "]}":
            depth -= 1
    return False
