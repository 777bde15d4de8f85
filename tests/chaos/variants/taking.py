"""Variants of what is taken, from where, and of what is taken back."""

from tests.chaos.variants.edits import Edit
from tests.chaos.variants.variant import Variant

TASK = "app.engine.partition_task:PartitionTask"
HAND_OVER = "app.engine.hand_over:HandOver"
ACQUIRE = "app.engine.acquire:Acquisition"
OFFSETS_FOLLOWED = (
    Edit(
        f"{ACQUIRE}._fits",
        "if stored is None",
        "if committed:\n        return True\n    if not stored",
    ),
    Edit(f"{ACQUIRE}._agreed", "if stored else {}", "if stored else held"),
)

MERGE = "agents.merge:Merge.take"
CLICK_FIRST = "elif click is not None and click.timestamp <= purchase.timestamp + self._wait:"
WAITING = (
    "<= purchase.timestamp + self._wait:\n"
    "            self._take_clicks(taken, limit, purchase.timestamp + self._wait)\n"
    "        elif click is not None or self._waited():"
)
NOT_WAITING = (
    "<= purchase.timestamp:\n"
    "            self._take_clicks(taken, limit, purchase.timestamp)\n"
    "        elif True:"
)

TAKING = (
    Variant(
        "own-positions",
        "rule 1: a partition taken again goes on where the client stood, not at the committed "
        "offsets",
        "aiokafka, which fetches positions before it tells of an assignment; Faust (H8)",
        "hijack",
        (
            Edit(
                "app.engine.consumer:ConsumerThread._activate",
                "consumer.seek(tp, offset)",
                "state.has_valid_position or consumer.seek(tp, offset)",
            ),
        ),
    ),
    Variant(
        "stale-store",
        "rules 1 and 8: the store is used as it is found, neither restored nor held against the "
        "offsets",
        "stock Faust, which never stores the changelog's offset (H7)",
        "kills",
        (
            Edit(
                f"{ACQUIRE}.acquire",
                "await self._restorer.restore(number, store, progress)\n"
                "    stored = self._stored(store, count)\n"
                "    until",
                "from app.engine.store.memory import MemoryStore\n"
                "    await self._restorer.restore(number, MemoryStore(), progress)\n"
                "    stored = self._stored(store, count)\n"
                "    until",
            ),
            *OFFSETS_FOLLOWED,
        ),
    ),
    Variant(
        "agreement-skipped",
        "rule 8: offsets that were moved under the state are followed",
        "any service whose offsets and state are reset apart",
        "moved-offsets",
        OFFSETS_FOLLOWED,
    ),
    Variant(
        "stream-time-forgotten",
        "rule 7: stream time is not part of the committed state",
        "Kafka Streams",
        "late-after-restart",
        (
            Edit(
                "app.engine.state:PartitionState.prepare",
                "times = {name: time.value for name, time in self._times.items()}",
                "times = {}",
            ),
        ),
    ),
    Variant(
        "waiting-committed",
        "rule 7: purchases that the merge still holds back are committed",
        "joins that buffer in memory behind a consumer that commits by itself",
        "waiting",
        (
            Edit(
                "agents.intake:Intake.next_offset",
                "return max(self.first_untaken, self._position) if not self.waiting "
                "else self.first_untaken",
                "return max(self.read_to, self._position)",
            ),
        ),
    ),
    Variant(
        "half-processed",
        "rule 5: the commit takes in records that the agents have not dealt with",
        "stock Faust (H4)",
        "kills",
        (Edit(f"{HAND_OVER}._hand_over", "await batch.handled", "pass"),),
    ),
    Variant(
        "last-offset",
        "rule 5: the offset of the last record is committed in place of the next one",
        "the commonest error in hand-written consumers",
        "kills",
        (
            Edit(
                f"{TASK}._next_offsets",
                "intake.next_offset for",
                "intake.next_offset - (intake.next_offset > self.committed_offsets[topic] + 1) for",
            ),
        ),
    ),
    Variant(
        "no-savepoint",
        "rule 10: what a handler did before it raised stays",
        "stock Faust (faust.md, Failure handling)",
        "raising",
        (
            Edit(
                "app.engine.state:PartitionState.rollback",
                "for undoable in self._undoables:",
                "for undoable in []:",
            ),
        ),
    ),
    Variant(
        "outputs-kept",
        "rule 10: tables go back when a handler raises, collected outputs do not",
        "producers that are called from inside the handler",
        "raising",
        (Edit("app.engine.outputs:Outputs.rollback", "del self.records[count:]", "pass"),),
    ),
    Variant(
        "failure-acknowledged",
        "rule 10: a record whose handler raises is passed over in silence",
        "stock Faust acknowledges it",
        "raising",
        (
            Edit(
                f"{HAND_OVER}._one_by_one",
                "self._dead_letters.bury(rejected)",
                "pass",
            ),
        ),
    ),
    Variant(
        "aborted-taken",
        "contract 5: records of aborted transactions upstream are taken",
        "consumers left at their default isolation level",
        "aborted-inputs",
        (
            Edit(
                "app.engine.consumer:ConsumerThread._create_worker_consumer",
                'isolation_level="read_committed"',
                'isolation_level="read_uncommitted"',
            ),
        ),
    ),
    Variant(
        "purchases-first",
        "contract 4: purchases are taken ahead of clicks that lay ready",
        "joins that take each topic as it comes",
        "ready",
        (Edit(MERGE, CLICK_FIRST, "elif False:"),),
    ),
    Variant(
        "join-wait-ignored",
        "contract 4: a purchase stands at its own time, and waits for no click",
        "joins without a wait",
        "ready",
        (Edit(MERGE, WAITING, NOT_WAITING),),
    ),
)
