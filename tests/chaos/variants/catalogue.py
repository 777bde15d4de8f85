"""All variants by name."""

from tests.chaos.variants.committing import COMMITTING
from tests.chaos.variants.taking import TAKING
from tests.chaos.variants.variant import Variant

VARIANTS: dict[str, Variant] = {v.name: v for v in (*COMMITTING, *TAKING)}
