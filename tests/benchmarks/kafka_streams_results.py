"""What the Kafka Streams peer has come to, read from its topics, and the same of the model."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.kafka import read_committed
from benchmarks.peers.kafka_streams.app import Application
from tests.oracle.model import Expected

COMPUTATIONS = ("averages", "counts", "hopping", "sessions", "totals", "everybody")
Window = tuple[str, int, int]
"""User, start and end in ms (of a session: first and last event)."""


@dataclass
class Results:
    """All computations; `averages` and `sessions`: the closed ones, as often as they came."""

    counts: dict[str, int] = field(default_factory=dict)
    hopping: dict[tuple[str, int], int] = field(default_factory=dict)
    averages: dict[Window, list[tuple[int, float]]] = field(default_factory=dict)
    sessions: dict[Window, list[int]] = field(default_factory=dict)
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    everybody: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, expected: Expected) -> "Results":
        """What the model says."""
        found = cls()
        for there in expected.partitions.values():
            for (user, start), cell in there.counts.cells.items():
                found.counts[f"{user}@{start}"] = cell.count
            for key, cell in there.hopping.cells.items():
                found.hopping[key] = cell.count
            found.close(there.averages.final(), there.sessions.final())
            for user, total in there.totals.users.items():
                found.totals[user] = dict(total.actions)
                found.everybody.update(total.actions)
        return found

    def close(
        self, averages: Iterable[Mapping[str, object]], sessions: Iterable[Mapping[str, object]]
    ) -> None:
        """Note values of `moving-averages` and `user-sessions`."""
        for row in averages:
            window = str(row["user_id"]), _int(row["window_start"]), _int(row["window_end"])
            content = _int(row["count"]), float(str(row["average"]))
            self.averages.setdefault(window, []).append(content)
        for row in sessions:
            session = str(row["user_id"]), _int(row["start"]), _int(row["end"])
            self.sessions.setdefault(session, []).append(_int(row["count"]))

    def differences(self, other: "Results") -> list[str]:
        """Name the computations that differ."""
        exact = COMPUTATIONS[1:]
        found = [name for name in exact if getattr(self, name) != getattr(other, name)]
        windows = self.averages.keys() | other.averages.keys()
        same = [_alike(self.averages.get(w, []), other.averages.get(w, [])) for w in windows]
        return found if all(same) else ["averages", *found]


def _alike(ours: list[tuple[int, float]], theirs: list[tuple[int, float]]) -> bool:
    """Sums of binary floats are not exact: the mean may differ in its last digits."""
    return len(ours) == len(theirs) and all(
        one == two and math.isclose(mean, other, rel_tol=1e-12)
        for (one, mean), (two, other) in zip(ours, theirs, strict=True)
    )


async def read_results(broker: str, peer: Application) -> Results:
    """Read its output topics, and the last value of each row in its changelogs."""
    found = Results()
    counts = await _last(broker, peer.output("event-counts-per-5min"))
    found.counts = {key.decode(): int(value) for key, value in counts.items()}
    found.close(
        await _values(broker, peer.output("moving-averages")),
        await _values(broker, peer.output("user-sessions")),
    )
    for key, value in (await _last(broker, peer.changelog("hopping"))).items():
        # Of a window store: the key, the window's start (8 bytes), a number that is 0 (4).
        start = int.from_bytes(key[-12:-4], "big")
        found.hopping[key[:-12].decode(), start] = int.from_bytes(value, "big")
    for user, row in (await _last(broker, peer.changelog("totals"))).items():
        found.totals[user.decode()] = dict(_actions(row))
    rows: dict[int, bytes] = {}
    async for records in read_committed(broker, peer.changelog("everybody")):
        rows.update((record.partition, record.value) for record in records)
    for row in rows.values():
        found.everybody.update(dict(_actions(row)))
    return found


def _actions(row: bytes) -> Iterable[tuple[str, int]]:
    """Read the bytes of Totals.java."""
    while row:
        end = 4 + int.from_bytes(row[:4], "big")
        yield row[4:end].decode(), int.from_bytes(row[end : end + 8], "big")
        row = row[end + 8 :]


async def _last(broker: str, topic: str) -> dict[bytes, bytes]:
    return {r.key: r.value async for records in read_committed(broker, topic) for r in records}


async def _values(broker: str, topic: str) -> list[Mapping[str, object]]:
    return [json.loads(r.value) async for records in read_committed(broker, topic) for r in records]


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
