"""One run: cluster, load and faults together; then rest, and the oracle's judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.result import Report
from tests.chaos.schedule import Kind, Schedule, make_schedule


@dataclass(frozen=True)
class Tier:
    """How large a run is. `records`: at least as many are written; `minutes`: after them no new
    fault begins; `rest_minutes`: how often all is brought to rest and checked, 0 for never.
    """

    wanted: Mapping[Kind, int]
    records: int = 20_000
    partitions: int = 4
    workers: int = 2
    minutes: float = 8.0
    rest_minutes: float = 0.0
    event_hours: float = 6.0
    session_ms: int = 3_000
    transaction_ms: int = 6_000
    settings: Mapping[str, str] = field(default_factory=dict)


SHORT = Tier(
    {
        Kind.KILL: 6,
        Kind.FAILPOINT: 4,
        Kind.ZOMBIE: 5,
        Kind.BROKER_KILL: 3,
        Kind.SCALE: 4,
        Kind.DAMAGE: 4,
    }
)


async def run_tier(
    seed: int,
    schedule: Schedule | None = None,
    *,
    folder: Path,
    tier: Tier = SHORT,
    worker_module: str = "app.cli.main",
    environment: Mapping[str, str] | None = None,
) -> Report:
    """Run a broker, workers, load and faults; what came out.

    `schedule`: by default the seed's for the tier. `worker_module`: run with `-m` and the argument
    `worker`; `environment`: for each worker, besides the tier's. `folder`: holds the broker's and
    the workers' data and logs. Never raises for what the service does: that is a failed check.
    """
    raise NotImplementedError(seed, schedule, make_schedule, folder, tier, worker_module)
