"""Answers as the JSON that goes out; amounts are written digit by digit."""

from collections.abc import Sequence
from typing import Any

import msgspec

from models.answers import Answer, Problem

_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(answer: Answer) -> bytes:
    """Give the JSON of an answer; a problem without its empty members."""
    return _encoder.encode(answer.model_dump(exclude_none=isinstance(answer, Problem)))


def encode_items(kind: type[Answer], items: Sequence[dict[str, Any]]) -> bytes:
    """Give the JSON of some items of a long list, without brackets.

    Their members are those of `kind`, which is checked of the first; the values are ours, and tens
    of thousands of them are not checked one by one.
    """
    if items and items[0].keys() != kind.model_fields.keys():
        raise ValueError(f"{kind.__name__} has other members than {sorted(items[0])}")
    return _encoder.encode(items)[1:-1]


def encode_long(answer: Answer, member: str, items: Sequence[bytes]) -> bytes:
    """Give the JSON of an answer with `items` of `encode_items` as its list `member`."""
    whole = {**answer.model_dump(), member: msgspec.Raw(b"[" + b",".join(items) + b"]")}
    return _encoder.encode(whole)
