"""A variant under the harness's own random faults, as the short tier has them but fewer."""

from dataclasses import replace
from pathlib import Path

from tests.chaos.runner import Tier, run_tier
from tests.chaos.schedule import Kind
from tests.chaos.variants.outcome import Outcome
from tests.chaos.variants.variant import Variant

MODULE = "tests.chaos.variants"
SMALL = Tier(
    "variants",
    {
        Kind.KILL: 3,
        Kind.FAILPOINT: 4,
        Kind.ZOMBIE: 1,
        Kind.SCALE: 1,
        Kind.DAMAGE: 1,
        Kind.PROXY: 2,
        Kind.HIJACK: 2,
    },
    records=4_000,
    partitions=2,
    minutes=4.0,
    event_hours=2.0,
)
ON_THREE = replace(
    SMALL,
    brokers=3,
    wanted={**SMALL.wanted, Kind.BROKER_OF_THREE: 2, Kind.PARTITION: 1, Kind.LATE_MARKERS: 3},
    minutes=6.0,
)


async def try_tier(seed: int, folder: Path, variant: Variant | None, brokers: int = 1) -> Outcome:
    """Run the seed's faults; only checks that prove a wrong result count (`Report.wrong`)."""
    name = variant.name if variant else ""
    tier = SMALL if brokers == 1 else ON_THREE
    report = await run_tier(
        seed, folder=folder, tier=tier, worker_module=MODULE, environment={"CHAOS_VARIANT": name}
    )
    outcome = Outcome("small tier", seed, [s.form or s.kind for s in report.strikes if s.struck])
    outcome.wrong = [f"{check}: {text}" for check, lines in report.wrong.items() for text in lines]
    stood = {check: lines for check, lines in report.failed.items() if check not in report.wrong}
    outcome.ended = "; ".join(f"{check}: {lines[0][-300:]}" for check, lines in stood.items())
    outcome.seconds = float(report.numbers["seconds"])
    return outcome
