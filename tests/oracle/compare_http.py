"""Answers over HTTP held against the model. Parse them with `equality.parse_answer`."""

from collections.abc import Mapping

from tests.oracle.equality import same, shown
from tests.oracle.exact_numbers import partition_of
from tests.oracle.model import Expected
from tests.oracle.records import CLICKS, PURCHASES, USER_EVENTS

Answer = Mapping[str, object]
SOURCES = {
    "recent-clicks": (CLICKS,),
    "enriched-purchases": (PURCHASES,),
    "event-counts": (USER_EVENTS,),
    "hopping-counts": (USER_EVENTS,),
    "moving-average": (USER_EVENTS,),
    "sessions": (USER_EVENTS,),
    "totals": (USER_EVENTS, PURCHASES),
}
VIEWS = tuple(SOURCES)


def compare_view(
    expected: Expected,
    name: str,
    user: str,
    answer: Answer,
    committed: Mapping[tuple[str, int], int] | None = None,
) -> list[str]:
    """`/v1/users/{user}/{name}`, asked without `from`, `to` and with the highest `limit`.

    `committed`: the group's offsets {(topic, partition): next offset} that it must show.
    """
    wanted = expected.view(name, user)
    seen = dict(answer)
    if name == "enriched-purchases":
        wanted, seen = purchases_alike(wanted, seen)
    elif isinstance(windows := seen.get("windows"), list):
        seen["windows"] = sorted(windows, key=start_of)
    differences = [
        f"{name}:http: {user} {field} is {shown(seen.get(field))}, not {shown(value)}"
        for field, value in wanted.items()
        if not (field in seen and same(value, seen[field], more=field != "actions"))
    ]
    return differences + check_offsets(expected, name, user, answer, committed or {})


def check_offsets(
    expected: Expected,
    name: str,
    user: str,
    answer: Answer,
    committed: Mapping[tuple[str, int], int],
) -> list[str]:
    """`offsets` names the view's topics, at the committed offsets."""
    offsets = answer.get("offsets")
    if not isinstance(offsets, dict):
        return [f"{name}:http: {user} has no offsets"]
    partition = partition_of(user.encode(), expected.settings.partitions)
    differences = []
    for role in SOURCES[name]:
        topic = expected.settings.names.get(role, role)
        if expected.has_records(role, partition) and topic not in offsets:
            differences.append(f"{name}:http: {user} offsets without {topic}")
    for (topic, number), offset in committed.items():
        if number == partition and offsets.get(topic, offset) != offset:
            differences.append(f"{name}:http: {user} offsets {shown(offsets)}: {topic} {offset}")
    return differences


def start_of(window: object) -> str:
    return str(window.get("start")) if isinstance(window, dict) else ""


def purchases_alike(
    wanted: dict[str, object], seen: dict[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Both with their purchases under "purchases": the contract names neither the list nor its
    time; equal event times may come in any order.
    """
    found = [name for name, value in seen.items() if isinstance(value, list)]
    items = seen[found[0]] if len(found) == 1 else None
    rows = wanted["purchases"]
    if not isinstance(items, list) or not isinstance(rows, list):
        return wanted, seen
    stamped = all(isinstance(item, dict) and "timestamp" in item for item in items)
    bare = [{k: v for k, v in row.items() if stamped or k != "timestamp"} for row in rows]
    times = [str(row["timestamp"]) for row in rows]
    if len(items) != len(rows):
        return {**wanted, "purchases": bare}, {**seen, "purchases": items}
    paired = rearranged(bare, times, items)
    return {**wanted, "purchases": bare}, {**seen, "purchases": paired}


def rearranged(
    rows: list[dict[str, object]], times: list[str], items: list[object]
) -> list[object]:
    """The items in the rows' order, as far as only rows of equal time change places."""
    left = list(enumerate(items))
    order: list[object] = []
    for row, time in zip(rows, times, strict=True):
        fits = (p for p in left if times[p[0]] == time and same(row, p[1], more=True))
        chosen = next(fits, None)
        if chosen is None:
            return items
        left.remove(chosen)
        order.append(chosen[1])
    return order


def compare_totals(expected: Expected, answer: Answer) -> list[str]:
    """`/v1/totals` of all partitions."""
    wanted: dict[str, object] = {**expected.totals().answer(), "complete": True}
    return [
        f"totals:http: {field} is {shown(answer.get(field))}, not {shown(value)}"
        for field, value in wanted.items()
        if not (field in answer and same(value, answer[field]))
    ]


def compare_revenue(expected: Expected, rows: list[Answer]) -> list[str]:
    """All rows of `/v1/revenue`, its pages put together, newest first."""
    merged = expected.revenue()
    kept, allowed = merged.kept(), merged.perhaps_kept()
    wanted = {merged.row(start)["start"]: start for start in merged.totals}
    differences = []
    seen: list[int] = []
    for row in rows:
        start = wanted.get(str(row.get("start")).replace("+00:00", "Z"))
        if start is None or start not in allowed:
            differences.append(f"revenue:http: unexpected {shown(dict(row))}")
            continue
        seen.append(start)
        if not same(merged.row(start), dict(row), more=True):
            differences.append(
                f"revenue:http: is {shown(dict(row))}, not {shown(merged.row(start))}"
            )
    if len(seen) != len(set(seen)):
        differences.append("revenue:http: a window twice")
    if seen != sorted(seen, reverse=True):
        differences.append("revenue:http: not newest first")
    missing = set(kept) - set(seen)
    return differences + [f"revenue:http: missing {shown(merged.row(s))}" for s in sorted(missing)]
