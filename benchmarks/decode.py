"""Decoding clicks: msgspec against pydantic, on the whole job that the service needs.

The job, for each record: decode, check types strictly, compare user_id and key, round the timestamp
to whole milliseconds, compare it with the record's Kafka timestamp, build a `Click`. CPU seconds of
this process: the best of several rounds for each batch of 500, the ways taken in turn, so that
other load on the machine weighs little, and on all alike.

    python -m benchmarks.decode [--records 100000] [--rounds 7]
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import msgspec
import pydantic
from aiokafka.structs import ConsumerRecord
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from models.codec import decode_clicks, decode_purchases, decode_user_events
from models.events import Click
from models.exact import exact_click
from models.records import Record

BATCH = 500
MAX_FUTURE = 60_000
KAFKA_TIME = 1_470_000_000_000

Batch = list[ConsumerRecord[bytes, bytes]]


def make_batches(kind: str, count: int) -> list[Batch]:
    """Records of one kind in batches, like those that the broker hands over."""
    records = []
    for i in range(count):
        user_id = f"user-{i * 7919 % 50_000}"
        fields: dict[str, object] = {"user_id": user_id}
        if kind == "clicks":
            fields["page"] = f"/google+redesign/page-{i % 300}"
        elif kind == "purchases":
            fields |= {"product_id": f"GGOEGAAX{i % 900:04d}", "amount": (i % 9_999 + 1) / 100}
        else:
            fields |= {"action": "view", "value": (i % 9_999 + 1) / 100, "session_id": f"s{i}"}
        fields["timestamp"] = 1_470_000_000 + i % 50_000_000 / 1_000
        value = json.dumps(fields).encode()
        stamp = KAFKA_TIME + i
        records.append(
            ConsumerRecord(kind, 0, i, stamp, 1, user_id.encode(), value, None, 9, 9, ())
        )
    return [records[i : i + BATCH] for i in range(0, count, BATCH)]


class Wire(msgspec.Struct, gc=False):
    """A click as msgspec decodes it."""

    user_id: str
    page: str
    timestamp: float


@pydantic.with_config(pydantic.ConfigDict(strict=True))
class Fields(TypedDict):
    """A click as pydantic decodes it: dict."""

    user_id: str
    page: str
    timestamp: float


@pydantic.dataclasses.dataclass(slots=True, config=pydantic.ConfigDict(strict=True))
class Slots:
    """A click as pydantic decodes it: dataclass with slots."""

    user_id: str
    page: str
    timestamp: float


class Model(pydantic.BaseModel):
    """A click as pydantic decodes it: BaseModel."""

    model_config = pydantic.ConfigDict(strict=True)
    user_id: str
    page: str
    timestamp: float


def to_click(user_id: str, page: str, timestamp: float, record: Record) -> Click:
    """The rest of the job, the same for all; ordinary records alone get here."""
    ms = floor(timestamp * 1e3 + 0.5)
    assert user_id.encode() == record.key
    assert -0.499 < timestamp * 1e3 - ms < 0.499
    assert ms - record.timestamp <= MAX_FUTURE
    return Click(user_id, page, ms, record)


def from_objects(wires: Iterable[Any], batch: Batch) -> list[Click]:
    """Clicks of decoded objects."""
    pairs = zip(wires, batch, strict=True)
    return [to_click(wire.user_id, wire.page, wire.timestamp, record) for wire, record in pairs]


def from_dicts(wires: Iterable[Fields], batch: Batch) -> list[Click]:
    """Clicks of decoded dicts."""
    return [
        to_click(wire["user_id"], wire["page"], wire["timestamp"], record)
        for wire, record in zip(wires, batch, strict=True)
    ]


def joined(batch: Batch) -> bytes:
    """All values as one JSON array."""
    return b"[" + b",".join([record.value or b"" for record in batch]) + b"]"


def each(decode: Callable[[Any], Any], batch: Batch) -> list[Any]:
    """Each value decoded by itself."""
    return [decode(record.value) for record in batch]


def contenders() -> dict[str, Callable[[Batch], Sequence[object]]]:
    """The job done in each way, by name."""
    one = msgspec.json.Decoder(Wire)
    many = msgspec.json.Decoder(list[Wire])
    fields = pydantic.TypeAdapter(Fields)
    slots, model = pydantic.TypeAdapter(Slots), pydantic.TypeAdapter(Model)
    array = pydantic.TypeAdapter(list[Fields])
    return {
        "models.codec (msgspec by record, strict)": lambda b: decode_clicks(b, MAX_FUTURE),
        "msgspec by record": lambda b: from_objects(each(one.decode, b), b),
        "msgspec, joined as an array": lambda b: from_objects(many.decode(joined(b)), b),
        "msgspec, joined as lines": lambda b: from_objects(
            one.decode_lines(b"\n".join([record.value or b"" for record in b])), b
        ),
        "pydantic TypedDict, joined": lambda b: from_dicts(array.validate_json(joined(b)), b),
        "pydantic TypedDict by record": lambda b: from_dicts(each(fields.validate_json, b), b),
        "pydantic dataclass by record": lambda b: from_objects(each(slots.validate_json, b), b),
        "pydantic BaseModel by record": lambda b: from_objects(each(model.validate_json, b), b),
        "models.exact (json and decimal)": lambda b: [exact_click(r, MAX_FUTURE) for r in b],
    }


@dataclass
class Timed:
    """A way to do a job, and the best CPU seconds that each batch took so far."""

    name: str
    run: Callable[[Batch], Sequence[object]]
    batches: list[Batch]

    def __post_init__(self) -> None:
        """Start without measurements."""
        self.best = [float("inf")] * len(self.batches)

    def time(self) -> None:
        """One round."""
        for number, batch in enumerate(self.batches):
            started = time.process_time()
            self.run(batch)
            self.best[number] = min(self.best[number], time.process_time() - started)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    clicks = make_batches("clicks", options.records)
    timed = [Timed(f"clicks: {name}", run, clicks) for name, run in contenders().items()]
    purchases = make_batches("purchases", options.records)
    timed.append(
        Timed("purchases: models.codec", lambda b: decode_purchases(b, MAX_FUTURE), purchases)
    )
    events = make_batches("user-events", options.records)
    timed.append(
        Timed("user-events: models.codec", lambda b: decode_user_events(b, MAX_FUTURE), events)
    )
    for way in timed:
        assert all(type(item).__name__ != "Rejected" for item in way.run(way.batches[0]))
    for _ in range(options.rounds):
        for way in timed:
            way.time()
    print("| way | CPU microseconds a record | records per CPU-second |\n|---|---|---|")
    for way in timed:
        cost = sum(way.best) / options.records
        print(f"| {way.name} | {cost * 1e6:.2f} | {1 / cost:,.0f} |")


if __name__ == "__main__":
    main()
