"""The committed vectors: which there are, and their form on disk.

A file is JSON, compressed, the same bytes for the same content: for each vector its shape, where
its events come from, their digest, and Kafka Streams' answer in columns.
"""

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.kafka_streams.cases import CASES
from tests.kafka_streams.recipes import RECIPES, digest, make
from tests.kafka_streams.shapes import Content, Event, KafkaRun, Shape, Update, Window

FOLDER = Path(__file__).with_name("vectors")
EVENTS = 500
SECOND, MINUTE = 1_000, 60_000

SHAPES = (
    Shape("tumbling", 5 * MINUTE, 5 * MINUTE, MINUTE),
    Shape("tumbling", 7 * SECOND, 7 * SECOND, 0),
    Shape("tumbling", 40, 40, 100),
    Shape("hopping", 10 * MINUTE, 2 * MINUTE, MINUTE),
    Shape("hopping", 10 * SECOND, 3 * SECOND, 0),
    Shape("sliding", 10 * MINUTE, 2 * MINUTE, MINUTE),
    Shape("sliding", 50, 10, 0),
    Shape("sliding", 100, 10, 250),
    Shape("session", 30 * MINUTE, 2 * MINUTE, MINUTE, "closing"),
    Shape("session", 30, 10, 0, "closing"),
    Shape("session", 40, 10, 70, "closing"),
    Shape("session", 30 * MINUTE, 2 * MINUTE, MINUTE, "default"),
    Shape("session", 30 * MINUTE, 2 * MINUTE, MINUTE, "long"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a vector's events come from: a recipe with its seed, or a case picked by hand."""

    name: str
    shape: Shape
    recipe: str | None = None
    seed: int = 0
    count: int = 0

    def events(self) -> list[Event]:
        if self.recipe is None:
            return list(CASES[self.name].events)
        return make(self.shape, self.recipe, self.seed, self.count)

    @property
    def file(self) -> str:
        return f"{self.shape.kind if self.recipe else 'cases'}.json.gz"


@dataclass(frozen=True, slots=True)
class Vector:
    """Events, and what Kafka Streams made of them."""

    source: Source
    digest: str
    run: KafkaRun

    @classmethod
    def of(cls, source: Source, run: KafkaRun) -> "Vector":
        return cls(source, digest(source.events()), run)


def sources() -> list[Source]:
    """All that are committed."""
    return [
        *(
            Source(_name(shape, recipe), shape, recipe, 100 * place + number, EVENTS)
            for place, shape in enumerate(SHAPES, 1)
            for number, recipe in enumerate(RECIPES)
        ),
        *(Source(name, case.shape) for name, case in CASES.items()),
    ]


def _name(shape: Shape, recipe: str) -> str:
    store = "" if shape.store == "long" and shape.kind != "session" else f"-{shape.store}"
    return f"{shape.kind}-{shape.size}-grace-{shape.grace}{store}-{recipe}"


@cache
def committed() -> dict[str, Vector]:
    """All vectors of the folder, by name."""
    files = sorted(FOLDER.glob("*.json.gz"))
    found = [vector for file in files for vector in read(file.read_bytes())]
    return {vector.source.name: vector for vector in found}


def write(vectors: Sequence[Vector]) -> bytes:
    """A file's bytes."""
    lines = ",\n".join(json.dumps(_packed(vector), separators=(",", ":")) for vector in vectors)
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, buffer, mtime=0) as file:
        file.write(f"[{lines}]\n".encode())
    return buffer.getvalue()


def read(data: bytes) -> Iterator[Vector]:
    """The vectors of a file."""
    for packed in json.loads(gzip.decompress(data)):
        shape = Shape(**packed["shape"])
        source = Source(packed["name"], shape, packed["recipe"], packed["seed"], packed["count"])
        events = source.events()
        run = KafkaRun(
            _spread(packed["updates"], events),
            _spread(packed["suppressed"], events),
            _spread(packed["closed"], events),
            dict(zip(*packed["skipped"], strict=True)),
        )
        yield Vector(source, packed["digest"], run)


def _packed(vector: Vector) -> dict[str, Any]:
    source, run, events = vector.source, vector.run, vector.source.events()
    return {
        "name": source.name,
        "shape": asdict(source.shape),
        "recipe": source.recipe,
        "seed": source.seed,
        "count": source.count,
        "digest": vector.digest,
        "updates": _columns(run.updates, events),
        "suppressed": _columns(run.suppressed, events),
        "closed": _columns(run.closed, events),
        "skipped": [list(run.skipped), list(run.skipped.values())],
    }


def _columns(updates: Sequence[Update], events: Sequence[Event]) -> list[list[Any]]:
    """Steps of the index, users, starts from the event's time, lengths, counts, sums."""
    before = [0, *(update.at for update in updates)]
    return [
        [update.at - last for update, last in zip(updates, before, strict=False)],
        [update.window.user for update in updates],
        [update.window.start - events[update.at].time for update in updates],
        [update.window.end - update.window.start for update in updates],
        [update.content.events if update.content else 0 for update in updates],
        [update.content.total if update.content else 0 for update in updates],
    ]


def _spread(columns: list[list[Any]], events: Sequence[Event]) -> list[Update]:
    updates = []
    index = 0
    for step, user, start, length, count, total in zip(*columns, strict=True):
        index += step
        first = events[index].time + start
        content = Content(count, total) if count else None
        updates.append(Update(index, Window(user, first, first + length), content))
    return updates
