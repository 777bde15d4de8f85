"""Replays dead letters: each record goes back to where it came from, once.

A letter's record and its line in the ledger are one Kafka transaction. Whoever begins a replay
initialises the transactional id first, which ends what a killed replay has left open and fences one
that still runs, and only then reads the ledger. So no letter is replayed twice, whatever is killed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError

from app.connections import producer
from app.consumer.connection import partition_counts
from app.consumer.reading import Ends, topic_ends
from app.engine.writer import stop_quietly
from app.errors import UserError
from app.letters.find import Letter, Wanted, letters
from app.letters.ledger import Ledger, ledger_topic, make_ledger, read_ledger
from app.producer.pace import Pace
from app.settings import Settings
from models.dead_letters import Headers
from models.topics import DEAD_LETTERS, Direction

_MOST: Final = 500
"""Letters in a transaction."""
ALREADY: Final = "replayed before"


class Plan(NamedTuple):
    """What a replay would do: `ends` of `dead-letters` up to which it goes.

    `to_replay`: letters by (source topic, reason); `skipped`: others that are wanted, by why.
    """

    settings: Settings
    wanted: Wanted
    ends: Ends
    partitions: Mapping[str, int]
    to_replay: Counter[tuple[str, str]]
    skipped: Counter[str]


async def plan_replay(settings: Settings, wanted: Wanted) -> Plan:
    """Go through the topic and change nothing. Raises UserError."""
    dead = settings.catalogue().name(DEAD_LETTERS)
    ledger = await read_ledger(settings)
    inputs = settings.catalogue().names(Direction.INPUT)
    partitions = await partition_counts(settings.cluster, inputs)
    ends = await topic_ends(settings.cluster, dead)
    plan = Plan(settings, wanted, ends, partitions, Counter(), Counter())
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
    if letter.topic not in plan.partitions:
        return f"from {letter.topic or 'nowhere'}, which is no input of the service"
    if not 0 <= letter.partition < plan.partitions[letter.topic]:
        return f"from a partition that {letter.topic} does not have"
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
        batch: list[Letter] = []
        size = max(1, min(_MOST, int(rate))) if rate else _MOST
        dead = settings.catalogue().name(DEAD_LETTERS)
        async for letter in letters(settings.cluster, dead, plan.wanted, plan.ends):
            if _why_not(plan, ledger, letter) is not None:
                continue
            batch.append(letter)
            if len(batch) == size:
                done = await _paced(client, plan, ledger, batch, pace, done)
                told(done)
                batch = []
        if batch:
            done = await _paced(client, plan, ledger, batch, pace, done)
            told(done)
    except (KafkaError, IllegalOperation, OSError, TimeoutError) as error:
        raise UserError(
            f"{done} letters were replayed, then the broker refused ({type(error).__name__}), or "
            "another replay has begun: run this again, it goes on with the rest"
        ) from error
    finally:
        await stop_quietly(client)
    return done


async def _paced(
    client: AIOKafkaProducer, plan: Plan, ledger: Ledger, batch: list[Letter], pace: Pace, done: int
) -> int:
    """Send a batch when its first letter is due; how many are done then."""
    await asyncio.sleep(pace.wait_for(done * 1000))
    async with asyncio.timeout(plan.settings.transaction_timeout / 1000):
        await _send(client, plan, ledger, batch)
    return done + len(batch)


async def _send(client: AIOKafkaProducer, plan: Plan, ledger: Ledger, batch: list[Letter]) -> None:
    """Write records and ledger in one transaction, every acknowledgement awaited."""
    now = b"%d" % (time.time_ns() // 1_000_000)
    book = ledger_topic(plan.settings)
    await client.begin_transaction()
    try:
        sent = [await client.send(book, now, ledger.key(letter), partition=0) for letter in batch]
        for letter in batch:
            message = letter.message
            sent.append(
                await client.send(
                    letter.topic,
                    message.value,
                    message.key,
                    partition=letter.partition,
                    headers=_headers(letter),
                )
            )
        await asyncio.gather(*sent)
    except BaseException:
        await client.abort_transaction()
        raise
    await client.commit_transaction()


def _headers(letter: Letter) -> Headers:
    """Say which letter this is a replay of."""
    message = letter.message
    place = f"{message.topic}/{letter.place}"
    return [("replay.of", place.encode()), ("replay.reason", letter.reason.encode())]
