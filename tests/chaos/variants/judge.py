"""Runs a scenario with a build, and has the oracle judge what was committed."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from models.topics import Direction
from tests.chaos.brokers import Brokers
from tests.chaos.variants import scenarios, situations
from tests.chaos.variants.outcome import Outcome
from tests.chaos.variants.trial import PARTITIONS, EndedError, Trial
from tests.chaos.variants.variant import Variant
from tests.chaos.variants.worker import MARK, UNFIT
from tests.oracle.compare_order import compare_ready
from tests.oracle.compare_outputs import ALL, compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Position, committed_only
from tests.oracle.results import REVENUE_SUM
from tests.support.topics import committed, until

SCENARIOS: dict[str, Callable[[Trial], Awaitable[None]]] = {
    "ready": scenarios.ready,
    "kills": scenarios.kills,
    "waiting": scenarios.waiting,
    "zombie": scenarios.zombie,
    "hijack": scenarios.hijacked,
    "lost-answer": scenarios.lost_answer,
    "late-after-restart": scenarios.late_after_restart,
    "lost-folder": situations.lost_folder,
    "raising": situations.raising,
    "refused-output": situations.refused_output,
    "moved-offsets": situations.moved_offsets,
    "aborted-inputs": situations.aborted_inputs,
}


class UnfitError(Exception):
    """A variant did not change the workers: it would pass as not caught."""


async def try_build(
    bootstrap: str,
    folder: Path,
    scenario: str,
    seed: int,
    variant: Variant | None,
    proxied: Brokers | None = None,
) -> Outcome:
    """Run one scenario; what came out. Raises UnfitError where the variant does not apply."""
    trial = Trial(bootstrap, folder, seed, variant, proxied)
    outcome = Outcome(scenario, seed, trial.evidence)
    started = time.monotonic()
    try:
        await trial.service.create()
        try:
            await SCENARIOS[scenario](trial)
        except EndedError as error:
            outcome.ended = str(error)
        outcome.ended = outcome.ended or trial.standing
        check_broken(trial)
    finally:
        trial.close()
    outcome.wrong = await judge(trial, rested=not outcome.ended)
    outcome.seconds = time.monotonic() - started
    return outcome


def check_broken(trial: Trial) -> None:
    """Every worker must have run as the build that it was meant to be."""
    for worker in trial.workers:
        if worker.process.returncode == UNFIT:
            raise UnfitError(worker.text.strip())
        wanted = f"{MARK}{trial.variant.name}" if trial.variant else ""
        if wanted not in worker.text or bool(wanted) != (MARK in worker.text):
            raise UnfitError(f"a worker does not say that it is {wanted or 'right'}")


async def judge(trial: Trial, *, rested: bool) -> list[str]:
    """Hold outputs against the model of what was committed.

    Merged revenue lags behind its purchases, so that it is judged at rest alone.
    """
    service = trial.service

    async def settled() -> bool:
        return await service.settled(service.of(Direction.OUTPUT, Direction.INTERNAL))

    # The broker ends the transactions of the dead by itself, in the end.
    await until(settled, 120, "settled", 0.5)
    done = await committed(service.bootstrap, service.app_id)
    inputs = committed_only(await service.inputs(), done)
    outputs = await service.outputs()
    failing: dict[Position, str] = {
        r.position: "handler"
        for r in inputs
        if any(f'"{name}"'.encode() in (r.value or b"") for name in trial.failing)
    }
    expected = Model(inputs, service.oracle, enriched=outputs, failing=failing).run()
    computations = ALL if rested else ALL - {REVENUE_SUM}
    assert service.partitions == PARTITIONS
    order = [] if trial.since is None else compare_ready(expected, outputs, trial.since)
    return compare_outputs(expected, outputs, computations) + order
