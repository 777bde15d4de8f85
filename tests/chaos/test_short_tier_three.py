"""The short tier on three brokers: they die, freeze, are cut off and come back; all exact."""

import os
from pathlib import Path

from tests.chaos.runner import run_tier
from tests.chaos.stage import THREE

SEED = int(os.environ.get("STREAMJOIN_CHAOS_SEED", "20261130"))


async def test_the_short_tier_of_three_brokers_is_exact(tmp_path: Path) -> None:
    report = await run_tier(SEED, folder=tmp_path, tier=THREE)
    assert not report.failed, report.describe()
    assert not report.short_of(), report.describe()
    assert report.numbers["records"] >= THREE.records
    assert report.numbers["dead letters"] == report.numbers["bad records"] > 0
    assert report.numbers["purchases that lay ready"] > 0
