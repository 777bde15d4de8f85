"""How many user events each user had in each 5-minute window (contract 4, event counts)."""

from tables.count_rows import CountTables
from tables.rules import Rules
from tables.windows import Tumbling

NAME = "event-counts"
TABLES = CountTables.of(NAME, b"w", b"W", place=0)


def windows(rules: Rules) -> Tumbling:
    """Give the windows that events are counted in."""
    return Tumbling(rules.tumbling)
