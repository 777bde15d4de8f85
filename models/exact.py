"""The contract's rules for a valid record (section 2), word for word and exact, at any cost.

`models.codec` has a fast path for ordinary records; whatever that cannot accept beyond doubt is
judged here, and every rejection is made here.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from json import JSONDecoder
from typing import NamedTuple, NoReturn

from models.dead_letters import ErrorType, Rejected
from models.money import MAX_AMOUNT, exact_decimal
from models.records import Record
from models.times import to_milliseconds

MAX_DEPTH = 128
"""Deepest nesting taken as valid, the record's own object being the first level."""
MAX_USER_ID_BYTES = 256


class Field(NamedTuple):
    """What a field must hold: a string, or a number from `low` to `high`, both included."""

    name: str
    number: bool = False
    required: bool = True
    low: int | None = None
    high: int | None = None


_USER_ID = Field("user_id")
_TIMESTAMP = Field("timestamp", number=True, low=0)

CLICK_FIELDS = (_USER_ID, Field("page"), _TIMESTAMP)
PURCHASE_FIELDS = (
    _USER_ID,
    Field("product_id"),
    Field("amount", number=True, low=0, high=MAX_AMOUNT),
    _TIMESTAMP,
)
USER_EVENT_FIELDS = (
    _USER_ID,
    Field("action"),
    _TIMESTAMP,
    Field("value", number=True, required=False, low=-MAX_AMOUNT, high=MAX_AMOUNT),
    Field("page", required=False),
    Field("session_id", required=False),
)


class _Number(str):
    """The text of a JSON number, kept apart from strings."""

    __slots__ = ()


class _Invalid(Exception):  # noqa: N818 (a verdict, not an error of the program)
    def __init__(self, error: ErrorType, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


class Values(NamedTuple):
    """A valid record's fields: texts and exact numbers by name, None where absent; event time."""

    texts: dict[str, str | None]
    numbers: dict[str, Decimal | None]
    timestamp: int

    def text(self, name: str) -> str:
        """A required string."""
        text = self.texts[name]
        assert text is not None  # noqa: S101 (for the type checker; `examine` has checked it)
        return text

    def number(self, name: str) -> Decimal:
        """A required number."""
        number = self.numbers[name]
        assert number is not None  # noqa: S101 (as above)
        return number


def examine(record: Record, fields: Sequence[Field], max_future_ms: int) -> Values | Rejected:
    """The record's values, or the first rule that it breaks, in the order of `ErrorType`."""
    try:
        return _examine(record, fields, max_future_ms)
    except _Invalid as invalid:
        return Rejected(invalid.error, invalid.message, record)


def _examine(record: Record, fields: Sequence[Field], max_future_ms: int) -> Values:
    if record.key is None:
        raise _Invalid(ErrorType.NULL_KEY, "the record has no key; it must be the user_id")
    if record.value is None:
        raise _Invalid(ErrorType.NULL_VALUE, "the record has no value")
    found = _parse(record.value)
    if not isinstance(found, dict):
        raise _Invalid(ErrorType.NOT_OBJECT, "the value is JSON but not an object")
    _check_types(found, fields)
    numbers = {f.name: _number(found, f) for f in fields if f.number}
    texts = {f.name: found.get(f.name) for f in fields if not f.number}
    user_id = found["user_id"].encode()
    if not 1 <= len(user_id) <= MAX_USER_ID_BYTES:
        raise _Invalid(
            ErrorType.OUT_OF_RANGE, f"user_id must have 1 to {MAX_USER_ID_BYTES} bytes as UTF-8"
        )
    if user_id != record.key:
        raise _Invalid(ErrorType.KEY_MISMATCH, "the record's key is not its user_id as UTF-8")
    values = Values(texts, numbers, 0)
    timestamp = to_milliseconds(values.number("timestamp"))
    if timestamp > record.timestamp + max_future_ms:
        raise _Invalid(
            ErrorType.FUTURE,
            f"timestamp is more than {max_future_ms} ms ahead of the record's Kafka timestamp",
        )
    return values._replace(timestamp=timestamp)


def _check_types(found: dict[str, object], fields: Sequence[Field]) -> None:
    for field in fields:
        if field.required and field.name not in found:
            raise _Invalid(ErrorType.MISSING_FIELD, f"{field.name} is missing")
    for field in fields:
        value = found.get(field.name)
        if value is None and not field.required:
            continue
        if not isinstance(value, str) or isinstance(value, _Number) is not field.number:
            kind = "number" if field.number else "string"
            raise _Invalid(ErrorType.WRONG_TYPE, f"{field.name} must be a {kind}")


def _number(found: dict[str, str | None], field: Field) -> Decimal | None:
    text = found.get(field.name)
    if text is None:
        return None
    number = exact_decimal(text)
    if number is None:
        raise _Invalid(ErrorType.OUT_OF_RANGE, f"{field.name} is too large for a number")
    if field.low is not None and number < field.low:
        raise _Invalid(ErrorType.OUT_OF_RANGE, f"{field.name} must be at least {field.low}")
    if field.high is not None and number > field.high:
        raise _Invalid(ErrorType.OUT_OF_RANGE, f"{field.name} must be at most {field.high}")
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_decoder = JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant)

# Only for text that is known to be JSON: there a backslash occurs in strings alone.
_PAIRED_SURROGATES = re.compile(
    r"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def _parse(value: bytes) -> object:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _Invalid(ErrorType.NOT_JSON, "the value is not UTF-8") from None
    if _too_deep(text):
        raise _Invalid(ErrorType.NOT_JSON, f"the value is nested more than {MAX_DEPTH} levels deep")
    try:
        found: object = _decoder.decode(text)
    except ValueError:
        raise _Invalid(ErrorType.NOT_JSON, "the value is not JSON") from None
    if "\\u" in text and not _PAIRED_SURROGATES.fullmatch(text):
        raise _Invalid(ErrorType.NOT_JSON, "the value holds a lone surrogate")
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
