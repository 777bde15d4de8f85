"""JSON objects as the contract wants them (section 2), exact to the last digit, whatever the bytes.

msgspec's grammar refuses NaN and Infinity, lone surrogates and all that RFC 8259 does, also in what
it skips. What it lacks is here: numbers keep their text, and depth has a limit of our own. Only
the members that are asked for are made into objects: a record of megabytes may hold millions.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from models.nesting import deeper_than

MAX_DEPTH = 128
"""Deepest nesting taken as valid, the outermost object or array being the first level."""


class Number(str):
    """The text of a JSON number, kept apart from strings by its type."""

    __slots__ = ()


class Nested:
    """Stands for an array or an object, whatever is in it."""


class NotAnObjectError(ValueError):
    """The value is JSON, but not an object."""


_check: Callable[[bytes], object] = msgspec.json.Decoder(Raw).decode
_text: Callable[[bytes], str] = msgspec.json.Decoder(str).decode
_CONSTANTS = {b"null": None, b"true": True, b"false": False}


@cache
def _decoder(names: Sequence[str]) -> Callable[[bytes], msgspec.Struct]:
    fields = [(name, Raw | UnsetType, UNSET) for name in names]
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(
        msgspec.defstruct("Members", fields)
    ).decode
    return decode


def members(value: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of an object's members that are there: str, Number, bool, None or `Nested` by name.

    Of duplicates the last counts. Raises ValueError with a message that holds nothing of the
    value, NotAnObjectError where it is other JSON.
    """
    try:
        value.decode()
    except UnicodeDecodeError:
        raise ValueError("the value is not UTF-8") from None
    if deeper_than(MAX_DEPTH, value):
        raise ValueError(f"the value is nested more than {MAX_DEPTH} levels deep")
    try:
        _check(value)
        if not value.lstrip(b" \t\r\n").startswith(b"{"):
            raise NotAnObjectError("the value is JSON but not an object")
        found = _decoder(names)(value)
    except (msgspec.DecodeError, RecursionError):  # RecursionError: of what is no JSON further on.
        raise ValueError("the value is not JSON") from None
    raw = {name: getattr(found, name) for name in names}
    return {name: _scalar(bytes(one)) for name, one in raw.items() if one is not UNSET}


def _scalar(token: bytes) -> object:
    first = token[:1]
    if first == b'"':
        return _text(token)
    if first in b"[{":
        return Nested()
    if token in _CONSTANTS:
        return _CONSTANTS[token]
    return Number(token.decode())
