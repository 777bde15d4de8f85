"""Tries builds under their faults, and prints which check of the oracle caught which."""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tests.chaos.brokers import Brokers, proxied_brokers
from tests.chaos.stock.trial import KILLS, try_stock
from tests.chaos.variants.catalogue import VARIANTS
from tests.chaos.variants.judge import UnfitError, try_build
from tests.chaos.variants.outcome import Outcome
from tests.chaos.variants.tier import try_tier

HEAD = (
    "| build | breaks | caught by | faults | seed | s |",
    "|---|---|---|---|---|---|",
)
RIGHT = "right"
STOCK = "stock-faust"


def main(arguments: Sequence[str]) -> NoReturn:
    """Print the table; exit status 1 if a build escapes or the right one fails where it should not.

    `--tier`: under random faults of the seed, as the short tier has them, in place of each
    variant's own scenario. `--brokers 3`: the same with three of them.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.variants")
    parser.add_argument("--all", action="store_true", help="every variant, and stock Faust")
    parser.add_argument("--only", nargs="+", default=[], choices=[*VARIANTS, STOCK], metavar="NAME")
    parser.add_argument("--tier", action="store_true", help="random faults, some minutes a build")
    parser.add_argument("--list", action="store_true", help="names, faults and rules")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    given = parser.parse_args(arguments)
    names = [*VARIANTS, STOCK] if given.all or given.list else given.only
    if given.list:
        for variant in VARIANTS.values():
            print(f"{variant.name}: {variant.breaks} ({variant.like}); {variant.scenario}")
        sys.exit(0)
    if not names:
        parser.error("give --all, or --only NAME ...")
    signal.signal(signal.SIGTERM, leave)  # So that broker and workers are ended too.
    print(*HEAD, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="variants-") as folder:
        attempt = by_tier if given.tier else by_scenario
        trials = attempt(names, given.seed, Path(folder), given.brokers)
    escaped = [name for name, good in trials.items() if not good]
    print(f"wrong: {', '.join(escaped)}" if escaped else "all as it should be", flush=True)
    sys.exit(bool(escaped))


def leave(*_: object) -> NoReturn:
    """End as Ctrl-C would."""
    raise KeyboardInterrupt


def by_scenario(names: Sequence[str], seed: int, folder: Path, brokers: int) -> dict[str, bool]:
    """Try the right build under each scenario needed, then each variant under its own."""
    good: dict[str, bool] = {}
    with proxied_brokers(folder / "broker", brokers) as broker:
        for scenario in dict.fromkeys(VARIANTS[n].scenario for n in names if n != STOCK):
            mine = [n for n in names if n != STOCK and VARIANTS[n].scenario == scenario]
            for name in (RIGHT, *mine):
                done = try_one(broker, folder / f"{scenario}-{name}", scenario, seed, name)
                good[f"{name} under {scenario}"] = done
        if STOCK in names:
            for kills in (0, KILLS):
                work = try_stock(broker.direct, folder / f"stock-{kills}", seed, kills=kills)
                breaks = "H1 to H7 of faust.md" if kills else "nothing: no faults, low rate"
                good[f"{STOCK}, {kills} kills"] = shown(
                    STOCK, breaks, asyncio.run(work), right=not kills
                )
    return good


def try_one(broker: Brokers, folder: Path, scenario: str, seed: int, name: str) -> bool:
    """Try one build; whether it did as it should: the right one passes, others do not."""
    variant = None if name == RIGHT else VARIANTS[name]
    try:
        outcome = asyncio.run(try_build(broker.direct, folder, scenario, seed, variant, broker))
    except UnfitError as error:
        print(row(name, "-", f"**DOES NOT APPLY** {error}", scenario, seed, 0.0), flush=True)
        return False
    finally:
        broker.proxy.release()
    return shown(name, variant.breaks if variant else "nothing", outcome, right=variant is None)


def by_tier(names: Sequence[str], seed: int, folder: Path, brokers: int) -> dict[str, bool]:
    """Try the right build and then each variant under the seed's random faults."""
    good: dict[str, bool] = {}
    for name in (RIGHT, *(n for n in names if n != STOCK)):
        variant = None if name == RIGHT else VARIANTS[name]
        outcome = asyncio.run(try_tier(seed, folder / name, variant, brokers))
        breaks = variant.breaks if variant else "nothing"
        good[name] = shown(name, breaks, outcome, right=variant is None)
    return good


def shown(name: str, breaks: str, outcome: Outcome, *, right: bool) -> bool:
    """Print a build's row; whether it did as it should."""
    good = outcome.is_right if right else outcome.is_caught
    checks = ", ".join(f"{check} ({number})" for check, number in outcome.checks().items())
    text = checks or "nothing to catch"
    if not good:
        what = f"FAILED {checks}" if right else f"NOT CAUGHT {checks}"
        text = f"**{what}** {outcome.ended}; {'; '.join(outcome.evidence) or 'no fault struck'}"
    print(row(name, breaks, text, outcome.scenario, outcome.seed, outcome.seconds), flush=True)
    return good


def row(*cells: object) -> str:
    """A row of the table; each cell on one line."""
    texts = [f"{cell:.0f}" if isinstance(cell, float) else str(cell) for cell in cells]
    return f"| {' | '.join(text.replace(chr(10), ' ').replace('|', '/') for text in texts)} |"
