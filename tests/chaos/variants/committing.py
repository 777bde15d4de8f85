"""Variants of how a transaction is written, and of what follows when it is lost."""

from tests.chaos.variants.edits import Edit
from tests.chaos.variants.variant import Variant

TRANSACTION = "app.engine.writer:TransactionWriter._transaction"
COMMIT = "app.engine.partition_task:PartitionTask.commit"
WRITE = "end = await self._writer.commit(prepared.changes, prepared.outputs, moved)"
BATCHES = "batches = self._batches(changes, outputs)"
OUTSIDE = (
    "from tests.chaos.variants.outside import outside\n"
    "    batches = self._batches(changes, await outside(self, outputs, {only!r}))"
)
BEGIN = "await producer.begin_transaction()"
OFFSETS_FIRST = (
    "await producer.begin_transaction()\n"
    "    await producer.send_offsets_to_transaction(\n"
    "        {tp: OffsetAndMetadata(at, '') for tp, at in offsets.items()}, self._group)\n"
    "    await producer.commit_transaction()\n"
    "    await producer.begin_transaction()"
)

COMMITTING = (
    Variant(
        "offsets-first",
        "rules 3 and 5: offsets are committed in a transaction before that of the outputs",
        "stock Faust (faust.md H2, H5)",
        "kills",
        (Edit(TRANSACTION, BEGIN, OFFSETS_FIRST),),
    ),
    Variant(
        "store-first",
        "rule 4: rows reach the local store before the transaction has committed",
        "stock Faust (H7); Kafka Streams, which wipes the store for it",
        "kills",
        (
            Edit(
                COMMIT,
                WRITE,
                # Flushed: our store has no log of its own, theirs have.
                "self.state.store.write(prepared.changes[:-1], self.state.store.changelog_offset)\n"
                "        self.state.store._db.flush()\n"
                f"        {WRITE}",
            ),
        ),
    ),
    Variant(
        "futures-not-awaited",
        "rule 2: the commit does not look at what became of each send",
        "aiokafka used as its examples show it",
        "refused-output",
        (
            Edit(
                "app.engine.record_batches:Batches.finish",
                "for ((topic, _), batch, _), result in zip(self._started, results, strict=True):",
                "for topic, batch, result in ():",
            ),
        ),
    ),
    Variant(
        "outputs-outside",
        "rules 2 and 4: outputs go through a producer without a transaction",
        "stock Faust (H1)",
        "kills",
        (Edit(TRANSACTION, BATCHES, OUTSIDE.format(only=None)),),
    ),
    Variant(
        "dead-letters-outside",
        "rule 6: the dead letter is not in the transaction that commits its record's offset",
        "dead-letter queues of connectors and listeners",
        "kills",
        (Edit(TRANSACTION, BATCHES, OUTSIDE.format(only="dead-letters")),),
    ),
    Variant(
        "changelog-gap",
        "rule 4: rows of one table do not reach the changelog",
        "stock Faust: a value changed in place writes nothing",
        "lost-folder",
        (
            Edit(
                TRANSACTION,
                BATCHES,
                "batches = self._batches([c for c in changes if c[0][:1] != b'c'], outputs)",
            ),
        ),
    ),
    Variant(
        "carried-over",
        "rule 3: what was in a commit of unknown outcome goes into the next transaction",
        "the anomaly that Jepsen found; clients that retry a commit",
        "zombie",
        (
            Edit(
                COMMIT,
                WRITE,
                "from app.engine.errors import LostError\n"
                "        try:\n"
                f"            {WRITE}\n"
                "        except LostError:\n"
                "            await self._writer.open()\n"
                "            return",
            ),
        ),
    ),
    Variant(
        "reopened",
        "rules 1 and 3: the producer is initialised again and goes on from the offsets in memory",
        "abort and rewind, as most hand-written loops do",
        "lost-answer",
        (
            Edit(
                COMMIT,
                WRITE,
                "from app.engine.errors import LostError\n"
                "        try:\n"
                f"            {WRITE}\n"
                "        except LostError as error:\n"
                "            await self._writer.open()\n"
                "            return await self._rewind(HandlingError(repr(error)))",
            ),
        ),
    ),
    Variant(
        "outcome-assumed",
        "rule 3: a commit that failed is taken for done",
        "errors of a commit that are logged and no more (H6)",
        "hijack",
        (
            Edit(
                COMMIT,
                WRITE,
                "from app.engine.errors import LostError\n"
                "        try:\n"
                f"            {WRITE}\n"
                "        except LostError:\n"
                "            await self._writer.open()\n"
                "            end = 0",
            ),
        ),
    ),
    Variant(
        "no-fencing",
        "rule 1: every start has a transactional id of its own, which fences nobody",
        "a random transactional id per process, as with replicated containers",
        "zombie",
        (
            Edit(
                "app.engine.writer:TransactionWriter.open",
                "await self._start(self._id)",
                "await self._start(f'{self._id}-{id(self)}-{__import__(\"os\").getpid()}')",
            ),
        ),
    ),
)
