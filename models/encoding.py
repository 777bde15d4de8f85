"""Answers as the JSON that goes out; amounts are written digit by digit."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from pydantic import TypeAdapter

from models.answers import Answer, Problem

_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(answer: Answer) -> bytes:
    """Give the JSON of an answer; a problem without its empty members."""
    return _encoder.encode(answer.model_dump(exclude_none=isinstance(answer, Problem)))


def encode_items(kind: type[Answer], items: Sequence[dict[str, Any]]) -> bytes:
    """Give the JSON of some items of a long list, checked by their model, without brackets."""
    adapter = _list_of(kind)
    return _encoder.encode(adapter.dump_python(adapter.validate_python(items)))[1:-1]


@cache
def _list_of(kind: type[Answer]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def encode_long(answer: Answer, member: str, items: Sequence[bytes]) -> bytes:
    """Give the JSON of an answer with `items` of `encode_items` as its list `member`."""
    whole = {**answer.model_dump(), member: msgspec.Raw(b"[" + b",".join(items) + b"]")}
    return _encoder.encode(whole)
