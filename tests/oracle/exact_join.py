"""The plain event-time join of all the data, blind to arrival: what a perfect join would give."""

from collections.abc import Iterable, Mapping

from tests.oracle.records import CLICKS, PURCHASES, Position, Record, Settings, by_partition
from tests.oracle.validate import Event, validate


def exact_join(records: Iterable[Record], settings: Settings) -> dict[Position, list[str]]:
    """{purchase: pages}: the newest 50 of all the user's clicks in [t - 10 min, t].

    Clicks and purchases meet within a partition, as they do in the service.
    """
    everything = list(records)
    found: dict[Position, list[str]] = {}
    clicks = by_partition(everything, settings.names.get(CLICKS, CLICKS))
    purchases = by_partition(everything, settings.names.get(PURCHASES, PURCHASES))
    for number, queue in purchases.items():
        by_user: dict[str, list[tuple[int, int, str]]] = {}
        for click in _events(clicks.get(number, []), CLICKS, settings):
            entry = (click.time, click.record.offset, click.label)
            by_user.setdefault(click.user, []).append(entry)
        for mine in by_user.values():
            mine.sort()
        for purchase in _events(queue, PURCHASES, settings):
            first = purchase.time - settings.join_window
            mine = by_user.get(purchase.user, [])
            pages = [page for time, _, page in mine if first <= time <= purchase.time]
            found[purchase.record.position] = pages[-settings.max_pages :]
    return found


def share_exact(
    exact: Mapping[Position, list[str]], observed: Mapping[Position, list[str]]
) -> float:
    """The share of purchases whose observed pages are those of the exact join; 1.0 of none."""
    if not exact:
        return 1.0
    return sum(observed.get(at) == pages for at, pages in exact.items()) / len(exact)


def _events(queue: list[Record], role: str, settings: Settings) -> list[Event]:
    outcomes = (validate(record, role, settings) for record in queue)
    return [outcome for outcome in outcomes if isinstance(outcome, Event)]
