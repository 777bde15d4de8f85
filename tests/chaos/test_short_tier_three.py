"""The short tier on three brokers: they die, freeze, are cut off and come back; all exact."""

from pathlib import Path

from tests.chaos.short_tier import check_exact
from tests.chaos.stage import THREE


async def test_the_short_tier_of_three_brokers_is_exact(tmp_path: Path) -> None:
    await check_exact(THREE, 20261130, tmp_path)
