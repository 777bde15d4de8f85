"""The contract's rules for a valid record (section 2), word for word and exact, at any cost.

`models.codec` has a fast path for ordinary records; whatever that cannot accept beyond doubt is
judged here, and every rejection is made here.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from models.dead_letters import ErrorType, Rejected
from models.events import Click, Purchase, UserEvent
from models.money import MAX_AMOUNT, exact_decimal, to_millionths
from models.records import Record, WithheldRecord
from models.strict_json import NotAnObjectError, Number, members
from models.times import to_milliseconds

MAX_USER_ID_BYTES = 256


class _Field(NamedTuple):
    """What a field must hold: a string, or a number from `low` to `high`, both included."""

    name: str
    number: bool = False
    required: bool = True
    low: int | None = None
    high: int | None = None


_USER_ID = _Field("user_id")
_TIMESTAMP = _Field("timestamp", number=True, low=0)

_CLICK_FIELDS = (_USER_ID, _Field("page"), _TIMESTAMP)
_PURCHASE_FIELDS = (
    _USER_ID,
    _Field("product_id"),
    _Field("amount", number=True, low=0, high=MAX_AMOUNT),
    _TIMESTAMP,
)
_USER_EVENT_FIELDS = (
    _USER_ID,
    _Field("action"),
    _TIMESTAMP,
    _Field("value", number=True, required=False, low=-MAX_AMOUNT, high=MAX_AMOUNT),
    _Field("page", required=False),
    _Field("session_id", required=False),
)


class _Invalid(Exception):  # noqa: N818 (a verdict, not an error of the program)
    def __init__(self, error: ErrorType, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


class _Values(NamedTuple):
    """A valid record's fields: texts and exact numbers by name, None where absent; event time."""

    texts: dict[str, str | None]
    numbers: dict[str, Decimal | None]
    timestamp: int

    def text(self, name: str) -> str:
        """A required string."""
        text = self.texts[name]
        assert text is not None  # noqa: S101 (for the type checker; `_check_types` has checked it)
        return text

    def number(self, name: str) -> Decimal:
        """A required number."""
        number = self.numbers[name]
        assert number is not None  # noqa: S101 (as above)
        return number


def _examine(record: Record, fields: Sequence[_Field], max_future_ms: int) -> _Values | Rejected:
    """The record's values, or the first rule that it breaks, in the order of `ErrorType`."""
    try:
        return _values(record, fields, max_future_ms)
    except _Invalid as invalid:
        return Rejected(invalid.error, invalid.message, record)


def _values(record: Record, fields: Sequence[_Field], max_future_ms: int) -> _Values:
    if isinstance(record, WithheldRecord):
        raise _Invalid(
            ErrorType.TOO_LARGE,
            f"a value of {record.value_size} bytes (key: {record.key_size}) is more than a worker "
            "takes (record_bytes)",
        )
    found = _members(record, fields)
    _check_types(found, fields)
    numbers = {f.name: _number(found, f) for f in fields if f.number}
    texts = {f.name: found.get(f.name) for f in fields if not f.number}
    _check_user(record, found["user_id"].encode())
    timestamp = to_milliseconds(_Values(texts, numbers, 0).number("timestamp"))
    _check_time(record, timestamp, max_future_ms)
    return _Values(texts, numbers, timestamp)


def _members(record: Record, fields: Sequence[_Field]) -> dict[str, Any]:
    if record.key is None:
        raise _Invalid(ErrorType.NULL_KEY, "the record has no key; it must be the user_id")
    if record.value is None:
        raise _Invalid(ErrorType.NULL_VALUE, "the record has no value")
    try:
        return members(record.value, tuple(field.name for field in fields))
    except NotAnObjectError as error:
        raise _Invalid(ErrorType.NOT_OBJECT, str(error)) from None
    except ValueError as error:
        raise _Invalid(ErrorType.NOT_JSON, str(error)) from None


def _check_user(record: Record, user_id: bytes) -> None:
    if not 1 <= len(user_id) <= MAX_USER_ID_BYTES:
        raise _Invalid(
            ErrorType.OUT_OF_RANGE, f"user_id must have 1 to {MAX_USER_ID_BYTES} bytes as UTF-8"
        )
    if user_id != record.key:
        raise _Invalid(ErrorType.KEY_MISMATCH, "the record's key is not its user_id as UTF-8")


def _check_time(record: Record, timestamp: int, max_future_ms: int) -> None:
    if record.timestamp < 0:
        raise _Invalid(
            ErrorType.NO_TIMESTAMP,
            "the record has no Kafka timestamp, which bounds event times: set "
            f"message.timestamp.type=LogAppendTime for {record.topic}",
        )
    if timestamp > record.timestamp + max_future_ms:
        raise _Invalid(
            ErrorType.FUTURE,
            f"timestamp is more than {max_future_ms} ms ahead of the record's Kafka timestamp",
        )


def _check_types(found: dict[str, object], fields: Sequence[_Field]) -> None:
    for field in fields:
        if field.required and field.name not in found:
            raise _Invalid(ErrorType.MISSING_FIELD, f"{field.name} is missing")
    for field in fields:
        value = found.get(field.name)
        if value is None and not field.required:
            continue
        if not isinstance(value, str) or isinstance(value, Number) is not field.number:
            kind = "number" if field.number else "string"
            raise _Invalid(ErrorType.WRONG_TYPE, f"{field.name} must be a {kind}")


def _number(found: dict[str, str | None], field: _Field) -> Decimal | None:
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


def exact_click(record: Record, max_future_ms: int) -> Click | Rejected:
    """The record as a click, or why it is none."""
    found = _examine(record, _CLICK_FIELDS, max_future_ms)
    if isinstance(found, Rejected):
        return found
    return Click(found.text("user_id"), found.text("page"), found.timestamp, record)


def exact_purchase(record: Record, max_future_ms: int) -> Purchase | Rejected:
    """The record as a purchase, or why it is none."""
    found = _examine(record, _PURCHASE_FIELDS, max_future_ms)
    if isinstance(found, Rejected):
        return found
    amount = to_millionths(found.number("amount"))
    return Purchase(
        found.text("user_id"), found.text("product_id"), amount, found.timestamp, record
    )


def exact_user_event(record: Record, max_future_ms: int) -> UserEvent | Rejected:
    """The record as a user event, or why it is none."""
    found = _examine(record, _USER_EVENT_FIELDS, max_future_ms)
    if isinstance(found, Rejected):
        return found
    value = found.numbers["value"]
    return UserEvent(
        found.text("user_id"),
        found.text("action"),
        found.timestamp,
        None if value is None else to_millionths(value),
        found.texts["page"],
        found.texts["session_id"],
        record,
    )
