"""Nothing lost, nothing twice: what was seen adds up to what was read."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Set

from tests.oracle.model import Expected
from tests.oracle.records import (
    CLICKS,
    COUNTS,
    DEAD,
    ENRICHED,
    LATE,
    PURCHASES,
    REVENUE,
    USER_EVENTS,
    Position,
    Record,
)
from tests.oracle.results import (
    ENRICHMENT,
    EVENT_COUNTS,
    HOPPING_COUNTS,
    REVENUE_SUM,
    SESSION,
    TOTALS,
)

TAKES = {
    ENRICHMENT: (CLICKS, PURCHASES),
    EVENT_COUNTS: (USER_EVENTS,),
    HOPPING_COUNTS: (USER_EVENTS,),
    SESSION: (USER_EVENTS,),
    REVENUE_SUM: (PURCHASES,),
    TOTALS: (USER_EVENTS, PURCHASES),
}
"""Which records each computation takes (the moving average only those with a value)."""


def unaccounted(expected: Expected) -> Iterator[tuple[str, Position]]:
    """(computation, record) of each record neither applied, nor late, nor dead in the model.

    The model's own conservation: empty, or the model is wrong.
    """
    for computation, roles in TAKES.items():
        fates: set[Position] = set(expected.dead)
        for partition in expected.partitions.values():
            fates |= partition.ledger.fates.get(computation, {}).keys()
        for role in roles:
            for record in expected.records[role]:
                if record.position not in fates:
                    yield computation, record.position


def conservation(
    expected: Expected, topics: Mapping[str, list[Record]], computations: Set[str]
) -> list[str]:
    """Differences between the records read and those seen applied, late or dead.

    `topics`: {the contract's name: observed records}.
    """
    settings = expected.settings
    dead = Counter(settings.role(r.header("source.topic") or "") for r in topics[DEAD])
    late = Counter(
        (settings.role(r.header("source.topic") or ""), r.header("late.for")) for r in topics[LATE]
    )
    kept_clicks = sum(
        fate == "applied" and position[0] == settings.names.get(CLICKS, CLICKS)
        for partition in expected.partitions.values()
        for position, fate in partition.ledger.fates.get(ENRICHMENT, {}).items()
    )
    counted = sum(latest_numbers(topics[COUNTS], None).values())
    earning = sum(latest_numbers(topics[REVENUE], "purchases").values())
    balances = [
        (ENRICHMENT, CLICKS, kept_clicks + late[CLICKS, ENRICHMENT]),
        (ENRICHMENT, PURCHASES, len(topics[ENRICHED])),
        (EVENT_COUNTS, USER_EVENTS, counted + late[USER_EVENTS, EVENT_COUNTS]),
        (REVENUE_SUM, PURCHASES, earning + late[PURCHASES, REVENUE_SUM]),
    ]
    return [
        f"conservation: {computation}: {seen + dead[role]} of {len(expected.records[role])} {role}"
        for computation, role, seen in balances
        if computation in computations and seen + dead[role] != len(expected.records[role])
    ]


def latest_numbers(records: list[Record], name: str | None) -> dict[bytes | None, int]:
    """The last number of each key: the value itself, or its field `name`; 0 if it is none."""
    latest: dict[bytes | None, int] = {}
    for record in sorted(records, key=lambda r: (r.partition, r.offset)):
        try:
            content = json.loads(record.value or b"")
        except ValueError:
            content = 0
        number = content.get(name) if isinstance(content, dict) and name else content
        latest[record.key] = number if isinstance(number, int) else 0
    return latest
