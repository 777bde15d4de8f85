"""A run as a table: `python -m tests.chaos.report RAW.json [--write]`."""

import sys
from pathlib import Path

import msgspec

from benchmarks.report import replace_block
from tests.chaos.result import LIVENESS, LOST, TWICE, Report, percentile

BEGIN, END = "<!-- soak:begin -->", "<!-- soak:end -->"
DOCUMENT = Path(__file__).parents[2] / "docs" / "guarantees.md"


def load(path: Path) -> Report:
    """A raw result."""
    return msgspec.json.decode(path.read_bytes(), type=Report)


def save(report: Report, results: Path) -> Path:
    """Write the raw result into a folder; its path."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"soak-{report.started.replace(':', '')[:17]}-{report.seed}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return path


def recovery(times: list[float]) -> str:
    """How many recovery times are known; their p50, p95 and worst."""
    if not times:
        return "-"
    spread = f"{percentile(times, 0.5):.1f} / {percentile(times, 0.95):.1f} / {max(times):.1f} s"
    return f"{len(times)}: {spread}"


def rejoins(report: Report) -> str:
    """How soon zombies were members of the group again."""
    times = report.rejoins()
    return f"Zombies were members again after, {recovery(times)}." if times else ""


def standstills(report: Report) -> str:
    """How long no commit was made in some partition, by the form of the fault."""
    forms = sorted({s.form: s.kind for s in report.strikes if s.standstill_s is not None}.items())
    shown = [f"{form}, {recovery(report.standstills(kind, form))}" for form, kind in forms]
    return f"Longest time without a commit in any partition: {'; '.join(shown)}." if shown else ""


def build(report: Report) -> str:
    """Which build ran."""
    if not report.commit:
        return ""
    return f" Build {report.commit[:12]}{', with changes' if report.dirty else ''}."


def forms(report: Report) -> list[str]:
    """How often each form of a kind struck, where it has several."""
    found = []
    for kind, wanted in report.forms.items():
        if len(wanted) > 1:
            alike: dict[str, list[str]] = {}
            for form, n in wanted.items():
                alike.setdefault(f"{report.struck(kind, form)} of {n}", []).append(form)
            each = (f"{', '.join(names)}: {numbers}" for numbers, names in alike.items())
            found.append(f"- {kind}: {'; '.join(each)}")
    return found


def deviations(report: Report) -> tuple[int, int, int]:
    """How many differences say that something was lost, came twice, or was wrong otherwise."""
    lost = twice = wrong = 0
    for name, found in report.wrong.items():
        if any(word in name for word in TWICE):
            twice += len(found)
        elif any(word in name for word in LOST):
            lost += len(found)
        else:
            wrong += len(found)
    return lost, twice, wrong


def table(report: Report) -> list[str]:
    """The faults, a row for each kind."""
    rows = [
        "| fault | wanted | struck | without evidence | on again, n: p50 / p95 / worst |",
        "|---|---|---|---|---|",
    ]
    for kind, number in report.wanted.items():
        tried = sum(s.kind == kind for s in report.strikes)
        struck = report.struck(kind)
        rows.append(
            f"| {kind} | {number} | {struck} | {tried - struck} | "
            f"{recovery(report.recoveries(kind))} |"
        )
    return rows


def markdown(report: Report) -> str:
    """The block that stands between the markers."""
    lost, twice, wrong = deviations(report)
    numbers = report.numbers
    late = f", {numbers['late events']:,} late events" if "late events" in numbers else ""
    head = (
        f"`{report.replay}`, started {report.started}, {numbers.get('seconds', 0) / 60:.0f} min: "
        f"{numbers.get('records', 0):,} records in, {numbers.get('outputs', 0):,} out, "
        f"{numbers.get('bad records', 0):,} bad records and {numbers.get('dead letters', 0):,} "
        f"dead letters{late}; {numbers.get('worker starts', 0)} worker starts.{build(report)}"
    )
    ended = sum(len(found) for name, found in report.failed.items() if name in LIVENESS)
    verdict = f"Lost {lost}, twice {twice}, wrong {wrong}; stood still or ended {ended}."
    failed = [f"**Failed**: {n}: {len(found)}" for n, found in sorted(report.failed.items())]
    failed += [f"**Not reached**: {name}: {n} short" for name, n in report.short_of().items()]
    failed += [f"**Too slow**: {line}" for line in report.too_slow()]
    blocks = (
        head,
        "\n".join(table(report)),
        "\n".join(forms(report)),
        rejoins(report),
        standstills(report),
        verdict,
        *failed,
    )
    return "\n\n".join(block for block in blocks if block)


def write(report: Report, document: Path = DOCUMENT) -> None:
    """Put the table into the document."""
    document.write_text(replace_block(document.read_text(), markdown(report), BEGIN, END))


if __name__ == "__main__":
    found = load(Path(sys.argv[1]))
    if "--write" in sys.argv:
        write(found)
    print(markdown(found))
