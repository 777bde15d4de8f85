"""The result of a run as Markdown and JSON, with the goals beside the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.broker import KAFKA_VERSION
from benchmarks.backlog import Result, ShopResult
from benchmarks.latency import Percentiles
from benchmarks.machine import Machine
from benchmarks.queries import QueriesResult, query_goals
from benchmarks.users import UsersResult

BEGIN, END = "<!-- benchmark:begin -->", "<!-- benchmark:end -->"

FAUST, FAUST_DEFAULT = "stock Faust, exactly_once", "stock Faust, at_least_once (its default)"
BARE = "bare aiokafka loop"
DEFAULT, WAIT_3 = "streamjoin", "streamjoin, join_wait 3 s"
KAFKA_STREAMS = f"Kafka Streams {KAFKA_VERSION}, user events"
USERS, HOT, COLD = (
    "streamjoin, user events",
    "streamjoin, one hot user",
    "streamjoin, as many users as events",
)
AT_LEAST_ONCE, FOUR = "streamjoin, at_least_once", "streamjoin, 4 workers"


class Report(msgspec.Struct):
    """All figures of one run; what was not run is absent, `skipped` says why."""

    command: str
    finished: str
    machine: Machine
    data: dict[str, Any]
    ceiling: float
    """Share of right joins that the contract's merge reaches on this data at the default."""
    backlogs: list[Result] = []
    latency: dict[str, dict[str, Percentiles]] = {}
    users: list[UsersResult] = []
    queries: QueriesResult | None = None
    shop: ShopResult | None = None
    skipped: list[str] = []
    failed: list[str] = []

    @property
    def busy(self) -> bool:
        """Tell whether other work had the cores when the run began: its figures are too low."""
        return self.machine.load > self.machine.cores / 4

    def result(self, name: str) -> Result | None:
        """Return the backlog run of that name."""
        return next((result for result in self.backlogs if result.name == name), None)

    def of_users(self, name: str) -> UsersResult | None:
        """Return the run on user events of that name."""
        return next((result for result in self.users if result.name == name), None)


def markdown(report: Report) -> str:
    """Render the whole block that stands between the markers."""
    machine = report.machine
    packages = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
    parts = [
        f"`{report.command}`, finished {report.finished}, on {machine.cores} cores of "
        f"{machine.cpu}, {machine.memory_gb:g} GB, {machine.system}, load {machine.load:g} at the "
        f"start; Python {machine.python}, Kafka {machine.kafka}, Java {machine.java}; {packages}.",
        f"Data: {report.data['clicks']:,} clicks, {report.data['purchases']:,} purchases, "
        f"{report.data['users']:,} users (Zipf exponent {report.data['skew']:g}), "
        f"{report.data['partitions']} partitions, each record up to "
        f"{report.data['max_delay_ms'] / 1000:g} s late (uniform).",
    ]
    if report.backlogs:
        parts.append(_table(_BACKLOG_HEAD, [_backlog_row(result) for result in report.backlogs]))
    if report.users:
        parts.append(_table(_USERS_HEAD, [_users_row(result) for result in report.users]))
    parts.append(_table(("goal", "at least", "aim", "measured"), goals(report)))
    if report.shop is not None:
        parts.append(_shop(report.shop))
    if report.busy:
        parts.append(
            f"**The machine was busy** (load {machine.load:g} on {machine.cores} cores at the "
            "start): speeds and latencies are worse than they would be alone."
        )
    parts.extend(f"Skipped: {reason}." for reason in report.skipped)
    parts.extend(f"**Failed**: {reason}." for reason in report.failed)
    return "\n\n".join(parts)


_BACKLOG_HEAD = (
    "program",
    "events",
    "CPU s",
    "events / CPU s",
    "without start-up",
    "wall s",
    "events / s",
    "peak MB",
    "joins exactly right",
    "missing / extra",
)


def _backlog_row(result: Result) -> tuple[str, ...]:
    ended = "" if result.complete else " (ended at its time limit)"
    note = f"; {result.note}" if result.note else ""
    return (
        f"{result.name}{note}{ended}",
        f"{result.events:,}",
        f"{result.usage.cpu_s:.1f}",
        f"{result.per_cpu_second:,.0f}",
        f"{result.steady:,.0f}",
        f"{result.usage.wall_s:.1f}",
        f"{result.per_second:,.0f}",
        f"{result.usage.peak_mb:.0f}",
        f"{result.joins.share:.2%}",
        f"{result.joins.missing} / {result.joins.extra}",
    )


_USERS_HEAD = (*_BACKLOG_HEAD[:8], "changelog records / event", "changelog bytes / event")


def _users_row(result: UsersResult) -> tuple[str, ...]:
    ended = "" if result.complete else " (ended at its time limit)"
    note = f"; {result.note}" if result.note else ""
    return (
        f"{result.name}{note}{ended}",
        f"{result.events:,}",
        f"{result.usage.cpu_s:.1f}",
        f"{result.per_cpu_second:,.0f}",
        f"{result.steady:,.0f}",
        f"{result.usage.wall_s:.1f}",
        f"{result.per_second:,.0f}",
        f"{result.usage.peak_mb:.0f}",
        f"{result.changelog_records:.2f}" if result.changelog_records else "-",
        f"{result.changelog_bytes:.0f}" if result.changelog_bytes else "-",
    )


def goals(report: Report) -> list[tuple[str, ...]]:
    """Put the measured figure beside each goal."""
    own, wide = report.result(DEFAULT), report.result(WAIT_3)
    faust, bare = report.result(FAUST), report.result(BARE)
    per_cpu = f"{own.per_cpu_second:,.0f}" if own else "-"
    memory = f"{own.usage.peak_mb:.0f} MB" if own else "-"
    default = f"{own.joins.share:.2%} (the contract's merge: {report.ceiling:.2%})" if own else "-"
    exact = f"{wide.joins.share:.2%}" if wide else "-"
    fast, slow = "join_wait 0", "join_wait 1 s"
    return [
        ("events per CPU-second, exactly_once, start-up counted", "50,000", "120,000", per_cpu),
        ("the same against stock Faust, exactly_once", "25 x", "60 x", _ratio(own, faust)),
        ("against stock Faust, at_least_once", "", "", _ratio(own, report.result(FAUST_DEFAULT))),
        ("the same against the bare loop", "0.3", "0.8", _ratio(own, bare)),
        (
            "CPU of exactly_once against at_least_once",
            "1.15 x",
            "",
            _ratio(report.result(AT_LEAST_ONCE), own),
        ),
        ("CPU with 4 workers against 1", "1.3 x", "", _ratio(own, report.result(FOUR))),
        ("joins exactly right, `join_wait` 3 s", "100 %", "", exact),
        ("joins exactly right, default `join_wait`", "99.5 %", "", default),
        ("peak memory of that worker", "500 MB", "250 MB", memory),
        ("latency of clicks at 1,000 events/s, p99", "1 s", "0.3 s", _late(report, fast, "clicks")),
        ("of revenue, `join_wait` 0, p99", "1 s", "0.3 s", _late(report, fast, "revenue")),
        ("of revenue, default, p99", "2 s", "1.3 s", _late(report, slow, "revenue")),
        *_users_goals(report),
        *query_goals(report.queries),
    ]


def _users_goals(report: Report) -> list[tuple[str, ...]]:
    own, peer, hot, cold = map(report.of_users, (USERS, KAFKA_STREAMS, HOT, COLD))
    if own is None:
        return []
    speed = f"{own.per_cpu_second:,.0f}"
    rows: list[tuple[str, ...]] = [
        ("user events per CPU-second, all computations on", "20,000", "50,000", speed),
        ("the same against Kafka Streams, exactly_once_v2", "1.5 x", "4 x", _ratio(own, peer)),
        ("the same, start-up of both left out", "", "", _steady_ratio(own, peer)),
    ]
    if hot and cold:
        ratio = f"{hot.usage.cpu_s / cold.usage.cpu_s:.2f} x"
        rows.append(("CPU of one hot user against as many users as events", "2 x", "", ratio))
    return rows


def _ratio(own: Result | UsersResult | None, other: Result | UsersResult | None) -> str:
    if own is None or other is None:
        return "-"
    return f"{own.per_cpu_second / other.per_cpu_second:.2f} x"


def _steady_ratio(own: UsersResult, other: UsersResult | None) -> str:
    return f"{own.steady / other.steady:.2f} x" if other and other.steady else "-"


def _late(report: Report, run: str, view: str) -> str:
    found = report.latency.get(run, {}).get(view)
    if found is None:
        return "-"
    missing = f", {found.missing} never seen" if found.missing else ""
    return f"{found.p99:.3f} s (p50 {found.p50:.3f} s, {found.count} samples{missing})"


def _shop(shop: ShopResult) -> str:
    same = f"equal to the model in {shop.outputs:,} output records and {shop.answers} answers"
    verdict = same if not shop.differences else f"**{len(shop.differences)} differences**"
    return (
        f"Backlog of a real shop, two months at first start: {shop.events:,} events in "
        f"{shop.usage.wall_s:.1f} s, {shop.usage.cpu_s:.1f} CPU s, peak "
        f"{shop.usage.peak_mb:.0f} MB; {verdict}."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replace_block(document: str, block: str, first: str = BEGIN, last: str = END) -> str:
    """Return `document` with `block` between the markers; ValueError if it has none."""
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"no {first} ... {last} in the document")
    return f"{before}{first}\n{block}\n{last}{after}"


def write(report: Report, document: Path, results: Path) -> Path:
    """Put the table into `document` and the raw result into the folder `results`."""
    document.write_text(replace_block(document.read_text(), markdown(report)))
    results.mkdir(parents=True, exist_ok=True)
    raw = results / f"bench-{report.finished.replace(':', '')}.json"
    raw.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return raw
