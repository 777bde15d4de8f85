"""Faults around the commit; the right build passes each scenario.

What happens is fixed to the commit, by failpoints and by the proxy, not to the second: a slow
machine sees the same.
"""

import signal

from app.engine import failpoints
from tests.chaos.hijack import hijack
from tests.chaos.proxy import Action, Api, Rule
from tests.chaos.variants.trial import PARTITIONS, Trial
from tests.service.traffic import traffic

PIECE = 300
KILLS = (
    failpoints.BEFORE_END,
    failpoints.AFTER_STORE_WRITE,
    failpoints.BEFORE_STORE_WRITE,
    failpoints.AFTER_SOME_SENDS,
)
LOST = "acquiring it again"


async def begin(trial: Trial, pieces: int = 1) -> None:
    """Have a worker take the first records and leave: what follows finds a state."""
    await trial.send(PIECE * pieces)
    await end(trial)


async def end(trial: Trial, folder: str = "first") -> None:
    """Have a worker take all that is left, and leave."""
    worker = trial.start(folder)
    await trial.rest()
    await trial.stop(worker)


async def ready(trial: Trial) -> None:
    """All lies ready when a worker comes on its former state: the order is the contract's."""
    await begin(trial)
    trial.since = await trial.committed()
    await trial.send(2 * PIECE)
    trial.evidence.append(f"{2 * PIECE} records lay ready")
    await end(trial)


async def kills(trial: Trial) -> None:
    """kill -9 around the first commit; the next worker has the dead one's folder.

    Commits follow each other at once: there is always one next to another batch.
    """
    trial.service.settings["commit_interval"] = "0"
    await begin(trial)
    for name in KILLS:
        await trial.send(PIECE)
        worker = trial.start(STREAMJOIN_FAILPOINT=f"{name}:1")
        await trial.dies(worker, -signal.SIGKILL, f"killed at {name}")
    await trial.send(PIECE)
    await end(trial)


async def waiting(trial: Trial) -> None:
    """kill -9 after a commit while purchases wait for clicks that are yet to come."""
    trial.service.settings["commit_interval"] = "0"
    await begin(trial)
    messages = trial.next(2 * PIECE)
    to_come = [message for message in messages[PIECE:] if message[0] == "clicks"]
    await trial.service.send([message for message in messages if message not in to_come])
    worker = trial.start(STREAMJOIN_FAILPOINT=f"{failpoints.AFTER_STORE_WRITE}:1")
    await trial.dies(worker, -signal.SIGKILL, f"purchases waited for {len(to_come)} clicks")
    await trial.service.send(to_come)
    await trial.send(PIECE)
    await end(trial)


async def zombie(trial: Trial) -> None:
    """SIGSTOP inside a commit, until another worker has done the same records; then SIGCONT."""
    trial.service.settings["transaction_timeout"] = "90s"
    await begin(trial)
    await trial.send(PIECE)
    sleeper = trial.start(STOP_AT=f"{failpoints.BEFORE_END}:1")
    await trial.sleeps(sleeper, "stopped before it sent EndTxn")
    other = trial.start("second")
    await trial.taken()
    sleeper.process.send_signal(signal.SIGCONT)
    if trial.variant is None:
        await trial.logs(sleeper, LOST)
    await trial.send(PIECE)
    await trial.rest()
    await trial.stop(sleeper)
    await trial.stop(other)


async def hijacked(trial: Trial) -> None:
    """Another producer initialises a partition's transactional id while its owner runs."""
    await trial.send(PIECE)
    worker = trial.start()
    await trial.rest()
    for number in range(PARTITIONS):
        name = f"{trial.service.app_id}-{number}"
        async with hijack(trial.service.bootstrap, name) as thief:
            trial.evidence.append(f"{name} hijacked with epoch {thief.epoch}")
            await trial.send(PIECE)
            if trial.variant is None:
                await trial.logs(worker, LOST, number + 1)
            await trial.taken()
    await trial.send(PIECE)
    await trial.rest()
    await trial.stop(worker)


async def lost_answer(trial: Trial) -> None:
    """The broker commits a transaction, and its answer never comes."""
    assert trial.proxied is not None, "needs a proxy"
    trial.service.settings["transaction_timeout"] = "6s"
    await begin(trial)
    name = f"{trial.service.app_id}-0"
    rule = trial.proxied.proxy.add(Rule(Api.END_TXN, Action.SWALLOW_ANSWER, name))
    await trial.send(PIECE)
    worker = trial.start()
    answered = await rule.answered()
    trial.evidence.append(f"{rule}, answered with error {answered[0].error}")
    if trial.variant is None:
        await trial.logs(worker, LOST)
    await trial.send(PIECE)
    await trial.rest()
    await trial.stop(worker)
    rule.release()


async def late_after_restart(trial: Trial) -> None:
    """The first records after a restart are late ones."""
    await begin(trial, 4)
    past = traffic(77, 60, PARTITIONS, seconds=600, disorder=60, late=0, bad=0)
    await trial.service.send(list(past))
    trial.evidence.append("60 records of the past wait for the restart")
    worker = trial.start()
    await trial.rest()
    await trial.send(PIECE)
    await trial.rest()
    await trial.stop(worker)
