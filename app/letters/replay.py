"""Replays dead letters: each record goes back to where it came from, once.

A letter's record and its line in the ledger are one Kafka transaction. Whoever begins a replay
initialises the transactional id first, which ends what a killed replay has left open and fences one
that still runs, and only then reads the ledger. So no letter is replayed twice, whatever is killed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError

from app.connections import producer
from app.consumer.connection import descriptions
from app.consumer.reading import Ends, topic_ends
from app.engine.errors import LostError, StateError
from app.engine.given_up import abort_quietly, stop_quietly
from app.engine.outputs import size_of
from app.engine.record_batches import Batches
from app.engine.size_limits import SizeLimits
from app.errors import UserError
from app.letters.find import Letter, Wanted, letters
from app.letters.ledger import Ledger, ledger_topic, make_ledger, read_ledger
from app.producer.pace import Pace
from app.settings import Settings
from app.startup import max_bytes
from app.topics_admin import TopicDescription, describe
from models.outputs import Output
from models.topics import DEAD_LETTERS, Direction

_MOST: Final = 500
"""Letters in a transaction."""
_MOST_BYTES: Final = 8 * 1024 * 1024
"""Of records in a transaction, but for its last one: the broker bounds a request (100 MiB)."""
ALREADY: Final = "replayed before"
_FAILURES: Final = (
    KafkaError,
    IllegalOperation,
    LostError,
    StateError,
    OSError,
    TimeoutError,
    AssertionError,  # aiokafka's, when it is used again after it was fenced.
)


class Plan(NamedTuple):
    """What a replay would do: `ends` of `dead-letters` up to which it goes.

    `inputs`: the service's, by actual name. `to_replay`: letters by (source topic, reason);
    `skipped`: others that are wanted, by why.
    """

    settings: Settings
    wanted: Wanted
    ends: Ends
    inputs: Mapping[str, TopicDescription]
    to_replay: Counter[tuple[str, str]]
    skipped: Counter[str]


async def plan_replay(settings: Settings, wanted: Wanted) -> Plan:
    """Go through the topic and change nothing. Raises UserError."""
    dead = settings.catalogue().name(DEAD_LETTERS)
    ledger = await read_ledger(settings)
    names = settings.catalogue().names(Direction.INPUT)
    inputs = await descriptions(settings.cluster, names)
    ends = await topic_ends(settings.cluster, dead)
    plan = Plan(settings, wanted, ends, inputs, Counter(), Counter())
    async for letter in letters(settings.cluster, dead, wanted, ends):
        why = _why_not(plan, ledger, letter)
        if why is None:
            plan.to_replay[letter.topic, letter.reason] += 1
        else:
            plan.skipped[why] += 1
    return plan


def _why_not(plan: Plan, ledger: Ledger, letter: Letter) -> str | None:
    """Say why a letter is not replayed; None if it is."""
    if ledger.when(letter) is not None:
        return ALREADY
    if letter.replaced:
        return "too large to lie in dead-letters: only the source has it"
    topic = plan.inputs.get(letter.topic)
    if topic is None:
        return f"from {letter.topic or 'nowhere'}, which is no input of the service"
    if not 0 <= letter.partition < topic.partitions:
        return f"from a partition that {letter.topic} does not have"
    if size_of(_record(letter)) > max_bytes(topic):
        return f"larger than {letter.topic} takes: raise its max.message.bytes"
    return None


async def replay(plan: Plan, rate: float, told: Callable[[int], None]) -> int:
    """Replay what the plan found, at most `rate` letters a second (0: no limit); how many.

    `told` hears of each transaction how many are done. Raises UserError; what is done then stays
    done, and another run goes on with the rest.
    """
    settings = plan.settings
    await make_ledger(settings)
    client, done = producer(settings, f"{settings.app_id}-replay"), 0
    try:
        await client.start()
        ledger, pace = await read_ledger(settings), Pace(rate, time.monotonic)
        async for together in _transactions(plan, ledger, rate):
            await asyncio.sleep(pace.wait_for(done * 1000))
            async with asyncio.timeout(settings.transaction_timeout / 1000):
                await _send(client, plan, ledger, together)
            done += len(together)
            told(done)
    except _FAILURES as error:
        refusal = error.__cause__ if isinstance(error, LostError | StateError) else error
        raise UserError(
            f"{done} letters were replayed, then the broker refused ({type(refusal).__name__}), or "
            "another replay has begun: run this again, it goes on with the rest"
        ) from error
    finally:
        await stop_quietly(client)
    return done


async def _transactions(plan: Plan, ledger: Ledger, rate: float) -> AsyncIterator[list[Letter]]:
    """Give the letters to replay, as many at a time as go into a transaction."""
    most = max(1, min(_MOST, int(rate))) if rate else _MOST
    dead = plan.settings.catalogue().name(DEAD_LETTERS)
    together: list[Letter] = []
    size = 0
    async for letter in letters(plan.settings.cluster, dead, plan.wanted, plan.ends):
        if _why_not(plan, ledger, letter) is not None:
            continue
        together.append(letter)
        size += size_of(_record(letter))
        if len(together) == most or size >= _MOST_BYTES:
            yield together
            together, size = [], 0
    if together:
        yield together


async def _send(
    client: AIOKafkaProducer, plan: Plan, ledger: Ledger, together: list[Letter]
) -> None:
    """Write records and ledger in one transaction, every acknowledgement awaited."""
    now = b"%d" % (time.time_ns() // 1_000_000)
    book = ledger_topic(plan.settings)
    await client.begin_transaction()
    # Not `client.send`, which refuses a record of null and null.
    batches = Batches(client, 1, _limits(plan))
    try:
        for letter in together:
            batches.add(Output(book, 0, ledger.key(letter), now))
            batches.add(_record(letter))
        await batches.send()
    except BaseException:
        batches.abandon()
        await abort_quietly(client)
        raise
    await client.commit_transaction()


def _limits(plan: Plan) -> SizeLimits:
    async def ask(topic: str) -> int:
        return max_bytes((await describe(plan.settings.cluster, [topic]))[topic])

    return SizeLimits({name: max_bytes(topic) for name, topic in plan.inputs.items()}, ask)


def _record(letter: Letter) -> Output:
    """Give its record as it was, and which letter this is a replay of."""
    message = letter.message
    headers = [
        ("replay.of", f"{message.topic}/{letter.place}".encode()),
        ("replay.reason", letter.reason.encode()),
    ]
    return Output(letter.topic, letter.partition, message.key, message.value, None, headers)
