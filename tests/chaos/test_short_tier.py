"""The short tier: 20,000 records, workers and broker that die, freeze and come back; all exact."""

from pathlib import Path

from tests.chaos.short_tier import check_exact
from tests.chaos.stage import SHORT


async def test_the_short_tier_is_exact(tmp_path: Path) -> None:
    await check_exact(SHORT, 20261123, tmp_path)
