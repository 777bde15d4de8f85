"""A partition over fakes, whose works raise at commits."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

from agents.intake import Intake
from agents.partition import Partition
from agents.topology import Flow, SingleFeed, Topology
from app.engine.batches import EventBatch
from app.engine.buffer import Buffer
from app.engine.clock import SystemClock
from app.engine.commit_gate import CommitGate
from app.engine.commit_size import CommitSize
from app.engine.errors import TransactionTooLargeError
from app.engine.fetch.records import FetchedRecord
from app.engine.partition_parts import Committed, Pace, Surroundings
from app.engine.partition_task import PartitionTask
from app.engine.state import PartitionState
from app.engine.store.base import Change
from app.engine.store.memory import MemoryStore
from models.dead_letters import ErrorType, Rejected
from models.outputs import Output
from models.topics import DEAD_LETTERS, Catalogue
from tables import set_aside
from tables.rules import Rules

ALWAYS = 10**9
ATTEMPTS = 3
Place = tuple[str, int]
Done = tuple[str, int, str]
"""(topic, offset, "applied" or the dead letter's error type)."""


def failure(place: Place) -> Exception:
    return RuntimeError(f"made to fail for {place}")


class FakeWork:
    """Sends what was taken at the commit, and then raises for some of it."""

    def __init__(self, partition: Partition, world: "World") -> None:
        self._partition = partition
        self._world = world
        self.taken = partition.changed()

    def before_commit(self) -> None:
        for topic, offset in self.taken:
            headers = [("source.topic", topic.encode()), ("source.offset", b"%d" % offset)]
            self._partition.send(Output("out", 0, None, None, None, headers))
        self._world.raise_for(self.taken)

    def committed(self) -> None: ...


class World:
    """A partition of topics `t0`, `t1`, ..., and all that it knows of the world outside.

    `failing`: how many commits raise with this record in them. `bad`: records that are not valid.
    """

    def __init__(
        self, counts: Sequence[int], failing: Mapping[Place, int], bad: Sequence[Place]
    ) -> None:
        self.ends = {f"t{number}": count for number, count in enumerate(counts)}
        self.left = dict(failing)
        self.bad = set(bad)
        self.error: Callable[[Place], Exception] = failure
        self.fails_anyway = False
        self.most = 1 << 30
        self.rewinds = 0
        self.delivered = asyncio.Event()
        self.commits: list[list[Done]] = []
        flows = [self.flow(topic) for topic in self.ends]
        topology = SimpleNamespace(flows=flows, catalogue=Catalogue("a"), rules=Rules())
        offsets = dict.fromkeys(self.ends, 0)
        state = PartitionState(0, 1, MemoryStore(), cast("Topology", topology), {}, 100)
        around = Surroundings(
            topology=cast("Topology", topology),
            source=self,
            deliver=self.deliver,
            on_commit=self.on_commit,
            pace=Pace(0.0, ALWAYS, ATTEMPTS),
            gate=CommitGate(),
            buffer=Buffer(1 << 30),
            clock=SystemClock(),
            metrics=MagicMock(),
        )
        size = CommitSize(ALWAYS, 12.0)
        self.task = PartitionTask(state, cast("Any", self), offsets, around, size)

    def flow(self, topic: str) -> Flow:
        kind = type(f"Work-{topic}", (FakeWork,), {})
        self.kinds = {**getattr(self, "kinds", {}), topic: kind}
        return Flow(
            topic,
            (topic,),
            MagicMock(),
            lambda offsets: SingleFeed(Intake(topic, self.decode, offsets[topic])),
            lambda partition: kind(partition, self),
        )

    def decode(self, records: Sequence[Any]) -> list[Any]:
        return [
            Rejected(ErrorType.NOT_JSON, "", r)
            if (r.topic, r.offset) in self.bad
            else SimpleNamespace(source=r)
            for r in records
        ]

    def raise_for(self, taken: Any) -> None:  # noqa: ANN401
        if self.fails_anyway:
            raise self.error(("any", 0))
        for place in taken:
            if self.left.get(place, 0) > 0:
                self.left[place] -= 1
                raise self.error(place)

    async def deliver(self, flow: Flow, _: int, batch: EventBatch[Any]) -> None:
        """Take a batch; one of more than `most` events holds too much for a transaction."""
        work = batch.work(self.kinds[flow.name])
        if len(list(batch)) > self.most:
            batch.failed(TransactionTooLargeError("too much"))
            return
        for event in batch:
            work.taken.add((event.source.topic, event.source.offset))
        batch.done()
        self.delivered.set()

    async def rewind(self, _: int, offsets: Mapping[str, int]) -> None:
        """Stand in for `Source`."""
        assert offsets == self.task.committed_offsets
        self.rewinds += 1
        assert self.rewinds < 1000, "it comes to no end"

    async def release(self, _: int) -> None:
        for topic, intake in self.task.intakes.items():
            first = intake.position
            records = [
                FetchedRecord(topic, 0, offset, 0, None, None, ())
                for offset in range(first, self.ends[topic])
            ]
            if records:
                intake.receive(records, 0.0)

    async def commit(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Mapping[Any, int]
    ) -> int:
        """Stand in for `Writer`: all that lies before the offsets is in the outputs, once."""
        done = [(*place(output), outcome(output)) for output in outputs]
        self.commits.append(done)
        before = self.task.committed_offsets
        wanted = {
            (tp.topic, n) for tp, end in offsets.items() for n in range(before[tp.topic], end)
        }
        assert len(done) == len(wanted)
        assert {(topic, offset) for topic, offset, _ in done} == wanted
        return len(self.commits)

    def on_commit(self, committed: Committed) -> None:
        if committed.offsets == self.ends:
            self.task.stop()

    async def run(self) -> set[Done]:
        """What became of all records; no commit is larger than it has to be."""
        await self.release(0)
        async with asyncio.timeout(120):
            await self.task.run()
        everything = [done for commit in self.commits for done in commit]
        buried = Counter((topic, how) for topic, _, how in everything if how != "applied")
        counted = set_aside.view(set_aside.SET_ASIDE.reader(self.task.state.store)).dead
        assert buried == {(t, how): n for t, hows in counted.items() for how, n in hows.items()}
        return set(everything)


def place(output: Output) -> Place:
    headers = dict(output.headers or ())
    return headers["source.topic"].decode(), int(headers["source.offset"])


def outcome(output: Output) -> str:
    if output.topic != Catalogue("a").name(DEAD_LETTERS):
        return "applied"
    return dict(output.headers or ())["error.type"].decode()


def expected(world: World, failing: Mapping[Place, int], error: str = "handler") -> set[Done]:
    found: set[Done] = set()
    for topic, count in world.ends.items():
        for offset in range(count):
            at = (topic, offset)
            dead = "not-json" if at in world.bad else error if failing.get(at) == ALWAYS else None
            found.add((topic, offset, dead or "applied"))
    return found
