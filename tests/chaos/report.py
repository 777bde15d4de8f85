"""A run as a table: `python -m tests.chaos.report RAW.json [--write]`."""

import math
import sys
from pathlib import Path

import msgspec

from benchmarks.report import replace_block
from tests.chaos.result import LIVENESS, LOST, TWICE, Report, Strike

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


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so many are not above."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def recovery(strikes: list[Strike]) -> str:
    """p50, p95 and worst of the recovery times."""
    times = [s.recovery_s for s in strikes if s.recovery_s is not None]
    if not times:
        return "-"
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.95):.1f} / {max(times):.1f} s"


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


def markdown(report: Report) -> str:
    """The block that stands between the markers."""
    lost, twice, wrong = deviations(report)
    numbers = report.numbers
    head = (
        f"`{report.replay}`, started {report.started}, {numbers.get('seconds', 0) / 60:.0f} min: "
        f"{numbers.get('records', 0):,} records in, {numbers.get('outputs', 0):,} out, "
        f"{numbers.get('bad records', 0):,} bad records and {numbers.get('dead letters', 0):,} "
        f"dead letters; {numbers.get('worker starts', 0)} worker starts."
    )
    rows = [
        "| fault | wanted | struck | without evidence | on again: p50 / p95 / worst |",
        "|---|---|---|---|---|",
    ]
    for kind, number in report.wanted.items():
        tried = [s for s in report.strikes if s.kind == kind]
        struck = [s for s in tried if s.struck]
        rows.append(
            f"| {kind} | {number} | {len(struck)} | {len(tried) - len(struck)} | "
            f"{recovery(struck)} |"
        )
    ended = sum(len(found) for name, found in report.failed.items() if name in LIVENESS)
    verdict = f"Lost {lost}, twice {twice}, wrong {wrong}; stood still or ended {ended}."
    failed = "".join(f"\n\n**Failed**: {n}: {len(f)}" for n, f in sorted(report.failed.items()))
    return f"{head}\n\n" + "\n".join(rows) + f"\n\n{verdict}{failed}"


def write(report: Report, document: Path = DOCUMENT) -> None:
    """Put the table into the document."""
    document.write_text(replace_block(document.read_text(), markdown(report), BEGIN, END))


if __name__ == "__main__":
    found = load(Path(sys.argv[1]))
    if "--write" in sys.argv:
        write(found)
    print(markdown(found))
