"""The topics of windows and sessions held against the model."""

import json
from collections.abc import Callable
from itertools import pairwise

from tests.oracle.equality import parse_answer, same, shown
from tests.oracle.exact_numbers import partition_of
from tests.oracle.model import Expected
from tests.oracle.records import COUNTS, REVENUE, Record

Differ = Callable[[str, str], None]
Value = dict[str, object]
# Partition, user, end.
Closed = tuple[int, str, object]


def check_counts(expected: Expected, observed: list[Record], differ: Differ) -> None:
    """`event-counts-per-5min`: growing counts, the last one final, none for a late event."""
    final: dict[bytes, tuple[object, int]] = {}
    for partition in expected.partitions.values():
        for (user, start), cell in partition.counts.cells.items():
            key = f"{user}@{start}".encode()
            final[key] = cell.count, partition.counts.last(start)
    check_updates(COUNTS, final, observed, expected.settings.partitions, differ)


def check_revenue(expected: Expected, observed: list[Record], differ: Differ) -> None:
    """`revenue-per-5min`: growing totals, the last one final."""
    merged = expected.revenue()
    size = expected.settings.tumbling
    final: dict[bytes, tuple[object, int]] = {
        str(start).encode(): (merged.value(start), start + size - 1) for start in merged.totals
    }
    check_updates(REVENUE, final, observed, expected.settings.partitions, differ)


def check_updates(
    topic: str,
    final: dict[bytes, tuple[object, int]],
    observed: list[Record],
    partitions: int,
    differ: Differ,
) -> None:
    """`final`: {key: (last value, Kafka timestamp)}."""
    updates: dict[bytes, list[Record]] = {}
    for record in sorted(observed, key=lambda r: (r.partition, r.offset)):
        updates.setdefault(record.key or b"", []).append(record)
    for key in sorted(final.keys() - updates.keys()):
        differ(f"{topic}:missing", f"{key!r}")
    for key, records in sorted(updates.items()):
        if key not in final:
            differ(f"{topic}:unexpected", f"{key!r} {shown(str(records[-1].value))}")
            continue
        value, timestamp = final[key]
        for record in records:
            if record.timestamp != timestamp:
                differ(f"{topic}:timestamp", f"{key!r} {record.timestamp}, not {timestamp}")
            if record.partition != partition_of(key, partitions):
                differ(f"{topic}:partition", f"{key!r} lies in {record.partition}")
        check_growth(topic, key, [parsed(record) for record in records], value, differ)


def check_growth(topic: str, key: bytes, seen: list[object], final: object, differ: Differ) -> None:
    """Each update is more than the one before, and the last one is the final value."""
    if not same(final, seen[-1]):
        differ(f"{topic}:value", f"{key!r} ends as {shown(seen[-1])}, not {shown(final)}")
    for before, after in pairwise(seen):
        if before == after:
            differ("duplicates", f"{topic} {key!r} {shown(after)} twice in a row")
        elif not grows(before, after):
            differ(f"{topic}:step-back", f"{key!r} {shown(before)}, then {shown(after)}")


def grows(before: object, after: object) -> bool:
    """No number in it goes down."""
    try:
        if isinstance(before, dict) and isinstance(after, dict):
            return all(after[name] >= number for name, number in before.items())
        return isinstance(before, int) and isinstance(after, int) and after >= before
    except (KeyError, TypeError):
        return False


def check_once(
    topic: str,
    end: str,
    closed: dict[int, list[Value]],
    observed: list[Record],
    differ: Differ,
) -> None:
    """`moving-averages`, `user-sessions`: each one once, when it closes; `end` names its end.

    They are told apart by user and end; a user's come in the order of their ends.
    """
    wanted = by_user_and_end(closed, end)
    seen: set[Closed] = set()
    latest: dict[tuple[int, str], int] = {}
    for record in sorted(observed, key=lambda r: (r.partition, r.offset)):
        value = parsed(record)
        if not isinstance(value, dict) or not isinstance(value.get(end), int):
            differ(f"{topic}:value", shown(value))
            continue
        user, ended = str(value.get("user_id")), value[end]
        where = record.partition, user, ended
        if where in seen:
            differ("duplicates", f"{topic} {where}")
        elif where not in wanted:
            differ(f"{topic}:unexpected", f"{where} {shown(value)}")
        else:
            check_closed(topic, wanted[where], value, record, differ)
        if latest.get((record.partition, user), -1) > ended:
            differ(f"{topic}:order", f"{where} after {latest[record.partition, user]}")
        latest[record.partition, user] = ended
        seen.add(where)
    for where in sorted(wanted.keys() - seen, key=str):
        differ(f"{topic}:missing", f"{where}")


def by_user_and_end(closed: dict[int, list[Value]], end: str) -> dict[Closed, Value]:
    """`closed`, the values of each partition, told apart as `check_once` does."""
    return {
        (number, str(value["user_id"]), value[end]): value
        for number, values in closed.items()
        for value in values
    }


def check_closed(topic: str, wanted: Value, value: object, record: Record, differ: Differ) -> None:
    if not same(wanted, value):
        differ(f"{topic}:value", f"is {shown(value)}, not {shown(wanted)}")
    if record.key != str(wanted["user_id"]).encode():
        differ(f"{topic}:key", f"{record.key!r} of {shown(wanted)}")
    time = wanted.get("window_end", wanted.get("end"))
    if record.timestamp != time:
        differ(f"{topic}:timestamp", f"{record.timestamp}, not {time}")


def parsed(record: Record) -> object:
    try:
        return parse_answer(record.value or b"")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return (record.value or b"").decode(errors="replace")
