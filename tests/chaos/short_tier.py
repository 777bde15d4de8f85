"""What every short tier has to come to."""

import os
from pathlib import Path

from tests.chaos.runner import run_tier
from tests.chaos.stage import Tier


async def check_exact(tier: Tier, seed: int, folder: Path) -> None:
    """Run it, by STREAMJOIN_CHAOS_SEED if that is set; all has struck, and all is exact."""
    seed = int(os.environ.get("STREAMJOIN_CHAOS_SEED", seed))
    report = await run_tier(seed, folder=folder, tier=tier)
    assert not report.failed, report.describe()
    assert not report.short_of(), report.describe()
    assert report.numbers["records"] >= tier.records
    assert report.numbers["dead letters"] == report.numbers["bad records"] > 0
    assert report.numbers["purchases that lay ready"] > 0
