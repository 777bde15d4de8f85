"""The join's order where it is not the service's choice: of what lay ready before a worker came."""

from collections.abc import Iterable, Mapping

from tests.oracle.merge import Queues, choices, ready_order
from tests.oracle.model import Expected
from tests.oracle.records import CLICKS, PURCHASES, Record


def compare_ready(
    expected: Expected, enriched: Iterable[Record], since: Mapping[tuple[str, int], int]
) -> list[str]:
    """Differences from the contract's merge, as `order:ready: text`.

    `since`: the offsets {(topic, partition): offset} that were committed when no worker ran; what
    lies behind them was all there before one started. Purchases without a result are not looked
    at here.
    """
    chosen, names = choices(enriched), expected.settings.names
    differences = []
    for number in expected.partitions:
        queues = Queues(
            expected.events[CLICKS].get(number, []),
            expected.events[PURCHASES].get(number, []),
            [r for r in expected.records[CLICKS] if r.partition == number],
        )
        first = [since.get((names.get(role, role), number), 0) for role in (CLICKS, PURCHASES)]
        for step in ready_order(queues, expected.settings, *first):
            found = chosen.get(number, {}).get(step.event.record.offset)
            if step.clicks_offset and found is not None and found not in step.clicks_offset:
                where, wanted = step.event.record.offset, sorted(step.clicks_offset)
                differences.append(
                    f"order:ready: purchase {number}/{where} clicks.offset {found}, not {wanted}"
                )
    return differences
