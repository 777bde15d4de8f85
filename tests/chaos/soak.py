"""`python -m tests.chaos.soak`: the long run, the table, the raw result; not 0 on any deviation."""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.chaos.report import BEGIN, markdown, save, write
from tests.chaos.result import Report
from tests.chaos.runner import run_tier
from tests.chaos.schedule import THREE as OF_THREE
from tests.chaos.schedule import Kind
from tests.chaos.stage import SHORT, THREE, Tier

SOAK = Tier(
    "soak",
    {
        Kind.KILL: 36,
        Kind.FAILPOINT: 24,
        Kind.ZOMBIE: 20,
        Kind.SCALE: 9,
        Kind.DAMAGE: 20,
        Kind.PROXY: 28,
        Kind.HIJACK: 5,
        Kind.BROKER_OF_THREE: 4 * len(OF_THREE),
        Kind.PARTITION: 20,
        Kind.LATE_MARKERS: 12,
        Kind.SLOW_LINK: 4,
        Kind.TOPIC_DELETED: 4,
        Kind.DISK_FULL: 4,
    },
    brokers=3,
    records=1_000_000,
    minutes=100,
    fill=True,
    rest_minutes=10,
    event_hours=168,
    session_ms=6_000,
    transaction_ms=12_000,
    limits={"p95": 6.0 + 5.0, "worst": 30.0, "rejoin": 10.0, "killed": 10.0, "silent": 20.0},
)
"""The published run. The kill -9 of workers are those at random and those at failpoints; from each
of them to the new owner's first commit, p95 is at most the session and 5 s. The other limits are
those of the table of faults.
"""
ALONE = replace(
    SOAK,
    brokers=1,
    wanted={
        Kind.KILL: 90,
        Kind.FAILPOINT: 60,
        Kind.ZOMBIE: 30,
        Kind.BROKER_KILL: 15,
        Kind.BROKER_PAUSE: 4,
        Kind.SCALE: 15,
        Kind.DAMAGE: 20,
        Kind.PROXY: 30,
        Kind.HIJACK: 5,
        Kind.LATE_MARKERS: 6,
        Kind.SLOW_LINK: 2,
        Kind.TOPIC_DELETED: 4,
        Kind.DISK_FULL: 4,
    },
    limits={"p95": 6.0 + 5.0, "worst": 30.0, "broker": 30.0, "rejoin": 10.0},
)
FUZZ = 0.001
"""The share of fuzzed records: more of them would be all that is read."""
TIERS = {("short", 1): SHORT, ("short", 3): THREE, ("soak", 1): ALONE, ("soak", 3): SOAK}
RESULTS = Path(__file__).parent / "results"
DOCUMENT = Path(__file__).parents[2] / "docs" / "guarantees.md"


def scaled(tier: Tier, minutes: float) -> Tier:
    """The tier in another time, with as many faults and records as fit."""
    share = minutes / tier.minutes
    wanted: Mapping[Kind, int] = {
        kind: max(round(number * share), 1) for kind, number in tier.wanted.items()
    }
    return replace(
        tier,
        wanted=wanted,
        records=round(tier.records * share),
        minutes=minutes,
        event_hours=max(tier.event_hours * share, 1.0),
    )


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--tier", choices=("short", "soak"), default="soak")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=3)
    parser.add_argument("--seed", type=int, default=None, help="default: from the clock")
    parser.add_argument("--hours", type=float, help="another length, faults in proportion")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--only", action="append", default=[], help="NAME=COUNT: only these faults")
    parser.add_argument("--records", type=int)
    fuzz = "records of 1 KB to 16 MB inside, valid and not, among the others"
    parser.add_argument("--fuzz", action=argparse.BooleanOptionalAction, default=False, help=fuzz)
    parser.add_argument("--folder", type=Path, help="kept; default: a temporary one")
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    return parser.parse_args(given)


def tier_of(options: argparse.Namespace) -> Tier:
    tier = TIERS[options.tier, options.brokers]
    minutes = options.hours * 60 if options.hours else options.minutes
    if minutes:
        tier = scaled(tier, minutes)
    if options.only:
        pairs = [item.partition("=") for item in options.only]
        tier = replace(tier, wanted={Kind[n.upper()]: int(count or 1) for n, _, count in pairs})
    tier = replace(tier, fuzz=FUZZ) if options.fuzz else tier
    return replace(tier, records=options.records) if options.records else tier


def main(given: list[str]) -> int:
    """Run; the exit status."""
    options = arguments(given)
    tier = tier_of(options)
    # The clients say again and again that the broker is away: that is what is meant.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    seed = options.seed if options.seed is not None else int(time.time())
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{(time.monotonic() - began) / 60:6.2f} min  {line}", flush=True)

    folder = options.folder or Path(tempfile.mkdtemp(prefix="streamjoin-soak-"))
    kept = [item for item in given if item != "--write"]
    seeded = kept if options.seed is not None else [*kept, "--seed", str(seed)]
    command = " ".join(["python -m tests.chaos.soak", *seeded])
    say(f"{command}; logs in {folder}")
    report = asyncio.run(until_done(run_tier(seed, folder=folder, tier=tier, say=say)))
    report.replay = command
    return finish(report, folder, keep=options.folder is not None, publish=options.write)


async def until_done(run: Coroutine[Any, Any, Report]) -> Report:
    """Run; SIGTERM ends it as ^C does, with all its processes."""
    task = asyncio.ensure_future(run)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def finish(report: Report, folder: Path, *, keep: bool, publish: bool) -> int:
    """Show and save what came out."""
    good = not (report.failed or report.short_of() or report.too_slow())
    if not good:
        print(report.describe())
    print(markdown(report))
    print(f"raw result: {save(report, RESULTS)}")
    if publish and BEGIN in DOCUMENT.read_text():
        write(report, DOCUMENT)
    if good and not keep:
        shutil.rmtree(folder)
    print("0 deviations" if good else f"DEVIATIONS; logs are kept in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
