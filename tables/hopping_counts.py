"""How many user events each user had in the 10 minutes from every second minute on (contract 4)."""

from tables.count_rows import CountTables
from tables.rules import Rules
from tables.windows import Hopping

NAME = "hopping-counts"
TABLES = CountTables.of(NAME, b"h", b"H", place=1)


def windows(rules: Rules) -> Hopping:
    """Give the windows that events are counted in."""
    return Hopping(rules.hopping_size, rules.hopping_step)
