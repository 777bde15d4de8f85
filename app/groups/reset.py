"""`groups reset-offsets`: offsets, changelog, partial sums and local state, together.

The steps, in an order in which a kill between any two of them, or in one, leaves either everything
as it was or a state that every worker refuses by naming this command (reliability, rule 8), and
that this command, run again, puts right:

1. No member is in the group, no process has the local state open. A changelog that is missing is
   created, empty: all that is refused without one is still refused.
2. Each partition's transactional id is initialised. That ends what a worker killed in the middle of
   a transaction has left open, and fences one that was only stopped and may wake up.
3. One transaction a partition: the changelog's metadata row becomes one of no known layout, and
   the new offsets are committed; what follows waits for its markers. From here on that partition
   is refused because of the row; once the changelog is gone, because there are offsets without
   state.
4. The local folder is removed: a copy of what is about to be deleted.
5. The records of the internal topic are deleted. Its partial sums are made again from the inputs.
6. The changelog is deleted and created anew, empty, with another topic id: by that, other machines
   find their copies stale. (Deleting its records is refused for compacted topics.)
7. The transactional ids are initialised again, and the changelog is found to be empty still: so
   nobody has written to it, nor can. One transaction a partition with the metadata row of an empty
   state and the new offsets. Each makes its partition agree; those that a kill has left out are
   refused until the next run.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka import TopicPartition

from app.connections import transaction_writer
from app.engine.errors import LostError
from app.engine.metadata import KEY, LAYOUT, Metadata, shape
from app.errors import UserError
from app.groups.admin import delete_records, delete_topic
from app.groups.plan import Offsets, Plan, ends, places, refuse_in_use, targets
from app.startup import create_changelog

Say = Callable[[str], None]
Commit = Callable[[int, int, Offsets], Awaitable[None]]
NO_LAYOUT = 0
"""The layout that no version reads: a reset was broken off."""
_STEPS = 6
_AGAIN = "stop all workers and run `streamjoin groups reset-offsets` again"


async def reset(plan: Plan, say: Say) -> None:
    """Do it, in the module's order; `say` is told of each step. Raises UserError."""
    await refuse_in_use(plan)
    settings, changelog = plan.settings, plan.changelog
    if changelog not in plan.topics:
        await create_changelog(settings, changelog, plan.topics)
    say(f"1/{_STEPS} fencing what may still write, and marking the state as being reset")
    held = plan.changelog_partitions or plan.partitions
    async with _fenced(plan, max(plan.partitions, held)) as commit:
        await commit(held, NO_LAYOUT, plan.after)
    # Initialising waits for the transactions' markers (KIP-98). The broker looks for a marker's
    # topic by name: one that came late would lie in the changelog that is created anew.
    async with _fenced(plan, held):
        pass
    say(f"2/{_STEPS} removing {plan.folder}")
    _remove(plan)
    say(f"3/{_STEPS} emptying {plan.partials}")
    await delete_records(
        settings.cluster,
        await ends(settings, places([plan.partials], plan.partitions)),
    )
    say(f"4/{_STEPS} deleting {changelog}")
    await delete_topic(settings.cluster, changelog)
    say(f"5/{_STEPS} creating {changelog}")
    await create_changelog(settings, changelog, plan.topics)
    say(f"6/{_STEPS} committing the new offsets")
    async with _fenced(plan, plan.partitions) as commit:
        written = await ends(settings, places([changelog], plan.partitions))
        if any(written.values()):
            raise UserError(f"a worker has started meanwhile: {_AGAIN}")
        after = await targets(settings, plan.partitions, plan.to)
        await commit(plan.partitions, LAYOUT, after)


@asynccontextmanager
async def _fenced(plan: Plan, count: int) -> AsyncIterator[Commit]:
    """Become the only writer of `count` partitions; yield what commits to the first `held`."""
    rules = shape(plan.settings.rules())
    writers = [
        transaction_writer(plan.settings, TopicPartition(plan.changelog, number), plan.partitions)
        for number in range(count)
    ]

    async def commit(held: int, layout: int, offsets: Offsets) -> None:
        for number, writer in enumerate(writers[:held]):
            mine = {tp: offset for tp, offset in offsets.items() if tp.partition == number}
            by_topic = {tp.topic: offset for tp, offset in mine.items()}
            row = Metadata(layout, rules, plan.partitions, by_topic, {})
            await writer.commit([(KEY, row.encode())], [], mine)

    async with AsyncExitStack() as stack:
        for writer in writers:
            stack.push_async_callback(writer.close)
        try:
            opened = await asyncio.gather(*(w.open() for w in writers), return_exceptions=True)
            for error in filter(None, opened):
                raise error
            yield commit
        except LostError as error:
            raise UserError(
                f"a worker has started meanwhile, or the broker does not answer ({error}): {_AGAIN}"
            ) from error


def _remove(plan: Plan) -> None:
    try:
        if plan.folder.exists():
            shutil.rmtree(plan.folder)
    except OSError as error:
        raise UserError(
            f"the local state {plan.folder} cannot be removed ({error.strerror}): remove it, then "
            f"{_AGAIN}"
        ) from error
