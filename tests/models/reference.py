"""The contract's validity rules a second time, sharing no code with `models`: json and Fraction."""

import json
from collections.abc import Sequence
from fractions import Fraction
from math import floor

from aiokafka.structs import ConsumerRecord

STRINGS = {"clicks": ("user_id", "page"), "purchases": ("user_id", "product_id")}
STRINGS["user-events"] = ("user_id", "action")
OPTIONAL_STRINGS = {"user-events": ("page", "session_id")}
NUMBERS = {
    "clicks": ("timestamp",),
    "purchases": ("amount", "timestamp"),
    "user-events": ("timestamp",),
}
OPTIONAL_NUMBERS = {"user-events": ("value",)}
DEPTH = 128


class Num:
    def __init__(self, text: str) -> None:
        self.text = text
        self.infinite = abs(float(text)) == float("inf")

    def fraction(self) -> Fraction:
        return Fraction(self.text)


class Obj:
    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        self.pairs = pairs


def bad_constant(name: str) -> object:
    raise ValueError(name)


def sound(value: object, depth: int = 0) -> bool:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
        return True
    if isinstance(value, Obj):
        inner = [part for pair in value.pairs for part in pair]
        return depth < DEPTH and all(sound(part, depth + 1) for part in inner)
    if isinstance(value, list):
        return depth < DEPTH and all(sound(part, depth + 1) for part in value)
    return True


def nearest_even(number: Fraction) -> int:
    low = floor(number)
    rest = number - low
    if rest == Fraction(1, 2):
        return low + low % 2
    return low + (rest > Fraction(1, 2))


def judge(kind: str, record: ConsumerRecord[bytes, bytes], max_future: int) -> object:
    """The error type as text, or the event's fields as a dict."""
    if record.key is None:
        return "null-key"
    if record.value is None:
        return "null-value"
    try:
        value = json.loads(
            record.value.decode("utf-8"),
            object_pairs_hook=Obj,
            parse_float=Num,
            parse_int=Num,
            parse_constant=bad_constant,
        )
    except (ValueError, RecursionError):
        return "not-json"
    if not sound(value):
        return "not-json"
    if not isinstance(value, Obj):
        return "not-object"
    return judge_fields(kind, dict(value.pairs), record, max_future)


def judge_fields(
    kind: str, found: dict[str, object], record: ConsumerRecord[bytes, bytes], max_future: int
) -> object:
    for name in OPTIONAL_STRINGS.get(kind, ()) + OPTIONAL_NUMBERS.get(kind, ()):
        if found.setdefault(name, None) is None:
            del found[name]
    required = STRINGS[kind] + NUMBERS[kind]
    if any(name not in found for name in required):
        return "missing-field"
    strings = [n for n in STRINGS[kind] + OPTIONAL_STRINGS.get(kind, ()) if n in found]
    numbers = [n for n in NUMBERS[kind] + OPTIONAL_NUMBERS.get(kind, ()) if n in found]
    if not all(isinstance(found[name], str) for name in strings):
        return "wrong-type"
    if not all(isinstance(found[name], Num) for name in numbers):
        return "wrong-type"
    texts = {name: str(found[name]) for name in strings}
    nums = {name: num for name in numbers if isinstance(num := found[name], Num)}
    return judge_contents(texts, nums, record, max_future)


def judge_contents(
    texts: dict[str, str],
    nums: dict[str, Num],
    record: ConsumerRecord[bytes, bytes],
    max_future: int,
) -> object:
    if any(num.infinite for num in nums.values()):
        return "out-of-range"
    exact = {name: num.fraction() for name, num in nums.items()}
    if exact["timestamp"] < 0 or not 0 <= exact.get("amount", Fraction(0)) <= 10**9:
        return "out-of-range"
    if (
        abs(exact.get("value", Fraction(0))) > 10**9
        or not 1 <= len(texts["user_id"].encode()) <= 256
    ):
        return "out-of-range"
    if texts["user_id"].encode() != record.key:
        return "key-mismatch"
    seconds = exact.pop("timestamp")
    timestamp = nearest_even(seconds if seconds > 10**11 else seconds * 1000)
    if record.timestamp < 0:
        return "no-timestamp"
    if timestamp > record.timestamp + max_future:
        return "future"
    money = {name: nearest_even(number * 10**6) for name, number in exact.items()}
    return texts | money | {"timestamp": timestamp}
