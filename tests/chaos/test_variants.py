"""The oracle can fail: broken builds are caught by name under faults that the right build passes.

All variants and stock Faust: `python -m tests.chaos.variants --all`.
"""

from pathlib import Path

import pytest

from tests.chaos.variants.catalogue import VARIANTS
from tests.chaos.variants.edits import Edit, NoTargetError
from tests.chaos.variants.judge import try_build
from tests.support.kafka import Kafka

SEED = 1
CAUGHT_BY = {
    "own-positions": "enriched-purchases:missing",
    "no-savepoint": "duplicates",
    "futures-not-awaited": "enriched-purchases:missing",
    "join-wait-ignored": "order:ready",
}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_every_variant_applies(name: str) -> None:
    VARIANTS[name].check()


@pytest.mark.parametrize("where", ["app.engine.state:PartitionState.gone", "app.gone:Work.done"])
def test_a_variant_without_a_target_says_so(where: str) -> None:
    with pytest.raises(NoTargetError, match="gone"):
        Edit(where, "a", "b").check()


def test_a_variant_whose_snippet_has_gone_says_so() -> None:
    with pytest.raises(NoTargetError, match="0 times"):
        Edit("app.engine.state:PartitionState.prepare", "no such text", "").check()


@pytest.mark.parametrize("name", sorted(CAUGHT_BY))
async def test_a_broken_build_is_caught_and_the_right_one_passes(
    kafka: Kafka, tmp_path: Path, name: str
) -> None:
    variant = VARIANTS[name]
    right = await try_build(kafka.bootstrap, tmp_path / "right", variant.scenario, SEED, None)
    assert right.is_right, right
    broken = await try_build(kafka.bootstrap, tmp_path / "broken", variant.scenario, SEED, variant)
    assert broken.is_caught, broken
    assert CAUGHT_BY[name] in broken.checks(), broken
