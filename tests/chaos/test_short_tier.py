"""The short tier: 20,000 records, workers and broker that die, freeze and come back; all exact."""

import os
from pathlib import Path

from tests.chaos.runner import run_tier
from tests.chaos.stage import SHORT

SEED = int(os.environ.get("STREAMJOIN_CHAOS_SEED", "20261123"))


async def test_the_short_tier_is_exact(tmp_path: Path) -> None:
    report = await run_tier(SEED, folder=tmp_path, tier=SHORT)
    assert not report.failed, report.describe()
    assert not report.short_of(), report.describe()
    assert report.numbers["records"] >= SHORT.records
    assert report.numbers["dead letters"] == report.numbers["bad records"] > 0
    assert report.numbers["purchases that lay ready"] > 0
