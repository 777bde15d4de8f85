"""Contract section 2, "Valid": a record -> an event, or all the reasons why it is none."""

import json
import re
import sys
from dataclasses import dataclass
from decimal import Decimal

from tests.oracle.exact_numbers import (
    LARGEST_DOUBLE,
    LARGEST_INT64,
    json_number,
    millionths,
    milliseconds,
)
from tests.oracle.records import CLICKS, PURCHASES, USER_EVENTS, Record, Settings

TYPES = (
    "null-key",
    "null-value",
    "not-json",
    "not-object",
    "missing-field",
    "wrong-type",
    "out-of-range",
    "key-mismatch",
    "future",
    "no-timestamp",
    "handler",
    "too-large",
)
BILLION = Decimal(1_000_000_000)
SURROGATE = re.compile(r"\\u[dD][89abAB]")
STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Event:
    """A valid record: `time` in milliseconds, `micro` its amount or value in millionths."""

    record: Record
    time: int
    user: str
    label: str
    """A click's page, a purchase's product_id, a user event's action."""
    micro: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not valid: `reasons` holds every error type that applies, in the contract's order."""

    record: Record
    reasons: tuple[str, ...]


class NotJsonError(Exception):
    """The value is not what the contract calls JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    number: bool = False
    optional: bool = False
    low: Decimal | None = None
    high: Decimal | None = None


USER = Field("user_id")
TIME = Field("timestamp", number=True, low=Decimal(0))
FIELDS: dict[str, tuple[Field, ...]] = {
    CLICKS: (USER, Field("page"), TIME),
    PURCHASES: (
        USER,
        Field("product_id"),
        Field("amount", number=True, low=Decimal(0), high=BILLION),
        TIME,
    ),
    USER_EVENTS: (
        USER,
        Field("action"),
        TIME,
        Field("value", number=True, optional=True, low=-BILLION, high=BILLION),
        Field("page", optional=True),
        Field("session_id", optional=True),
    ),
}
LABEL = {CLICKS: "page", PURCHASES: "product_id", USER_EVENTS: "action"}
MONEY = {CLICKS: "", PURCHASES: "amount", USER_EVENTS: "value"}


def nesting(value: bytes) -> int:
    """The deepest level of objects and arrays outside of strings; the outermost is level 1."""
    depth = deepest = 0
    for byte in STRINGS.sub(b"", value):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def refuse_constant(name: str) -> None:
    raise NotJsonError(name)


def refuse_surrogates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """As an object, once no string in it (duplicate names included) holds a lone surrogate."""
    for name, content in pairs:
        name.encode()
        stack = [content]
        while stack:
            top = stack.pop()
            if isinstance(top, str):
                top.encode()
            elif isinstance(top, list):
                stack.extend(top)
    return dict(pairs)


def read_json(text: str) -> object:
    """The JSON value with numbers as written (Decimal)."""
    return json.loads(
        text, parse_float=json_number, parse_int=json_number, parse_constant=refuse_constant
    )


def check_surrogates(text: str) -> None:
    """Raise UnicodeEncodeError where a string of the JSON text holds a lone surrogate."""
    json.loads(f'{{"value":{text}}}', parse_int=json_number, object_pairs_hook=refuse_surrogates)


def parse(value: bytes, limit: int) -> object:
    """The JSON value with numbers as written (Decimal); NotJsonError where it is not JSON."""
    deep = value.count(b"[") + value.count(b"{") > 100
    if deep and nesting(value) >= limit:
        raise NotJsonError("nested too deep")
    usual = sys.getrecursionlimit()
    try:
        text = value.decode()
        if deep:
            sys.setrecursionlimit(usual + 10 * limit)
        content = read_json(text)
        if SURROGATE.search(text):
            check_surrogates(text)
    except ValueError as error:  # bad UTF-8, bad JSON, a lone surrogate
        raise NotJsonError(str(error)) from None
    finally:
        sys.setrecursionlimit(usual)
    return content


def field_errors(content: dict[str, object], field: Field) -> list[str]:
    if field.name not in content:
        return [] if field.optional else ["missing-field"]
    value = content[field.name]
    if value is None and field.optional:
        return []
    if not isinstance(value, Decimal if field.number else str):
        return ["wrong-type"]
    if isinstance(value, str):
        size = len(value.encode())
        return ["out-of-range"] if field is USER and not 1 <= size <= 256 else []
    if not isinstance(value, Decimal):
        return ["wrong-type"]
    errors = []
    if (
        value.copy_abs() > LARGEST_DOUBLE
    ):  # no double holds it: may be called Infinity, or out of range
        errors += ["not-json", "out-of-range"]
    if field.low is not None and value < field.low:
        errors.append("out-of-range")
    if field.high is not None and value > field.high:
        errors.append("out-of-range")
    return errors


def content_errors(topic: str, content: dict[str, object]) -> list[str]:
    return [error for field in FIELDS[topic] for error in field_errors(content, field)]


def event_time(content: dict[str, object]) -> Decimal | None:
    """The event time in milliseconds, None where there is no valid one."""
    raw = content.get("timestamp")
    if not isinstance(raw, Decimal) or raw < 0:
        return None
    return milliseconds(raw)


def key_errors(record: Record, user: object) -> list[str]:
    if record.key is None or not isinstance(user, str):
        return []
    return [] if user.encode() == record.key else ["key-mismatch"]


def time_errors(record: Record, time: Decimal | None, settings: Settings) -> list[str]:
    if time is None:
        return []
    errors = ["out-of-range"] if time > LARGEST_INT64 else []
    if record.timestamp < 0:
        errors.append("no-timestamp")
    elif time > record.timestamp + settings.max_future:
        errors.append("future")
    return errors


def validate(record: Record, topic: str, settings: Settings) -> Event | Rejected:
    """The record as an event of `topic` (the contract's name), or rejected with all reasons."""
    errors: list[str] = []
    content: object = None
    if record.key is None:
        errors.append("null-key")
    if record.value is None:
        errors.append("null-value")
    else:
        try:
            content = parse(record.value, settings.nesting)
        except NotJsonError:
            errors.append("not-json")
        else:
            if not isinstance(content, dict):
                errors.append("not-object")
    if not isinstance(content, dict):
        return Rejected(record, tuple(errors))
    time = event_time(content)
    errors += content_errors(topic, content)
    errors += key_errors(record, content.get("user_id"))
    errors += time_errors(record, time, settings)
    if errors or time is None:
        return Rejected(record, tuple(sorted(set(errors), key=TYPES.index)))
    amount = content.get(MONEY[topic])
    return Event(
        record=record,
        time=int(time),
        user=content["user_id"],
        label=content[LABEL[topic]],
        micro=millionths(amount) if isinstance(amount, Decimal) else None,
    )
