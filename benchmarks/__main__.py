"""`python -m benchmarks`: one run, one broker, the same data for every program."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
from pathlib import Path

from app.broker import EmbeddedBroker
from app.errors import UserError
from benchmarks.report import markdown, write
from benchmarks.suite import PARTS, Options, run

ROOT = Path(__file__).parent.parent
SHOP_DATA = ROOT.parent / "shared" / "data" / "google-store"
EVENTS, FAUST_EVENTS, QUICK = 1_200_000, 20_000, 10


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="clicks and purchases, 5 to 1")
    parser.add_argument("--faust-events", type=int, default=FAUST_EVENTS)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="a tenth of the events: a smoke test")
    parser.add_argument("--shop-data", type=Path, default=SHOP_DATA, help="folder of the shop data")
    parser.add_argument("--write", action="store_true", help="put the table into the documents")
    options = parser.parse_args(arguments)
    if options.events < 600 or options.faust_events < 600:
        parser.error("--events and --faust-events must be at least 600")
    return options


def main() -> int:
    """Run, print the table, and write it where asked; 1 when a run failed."""
    given = parse(sys.argv[1:])
    gc.disable()  # Millions of small tuples without cycles; they would be walked again and again.
    scale = QUICK if given.quick else 1
    with tempfile.TemporaryDirectory(prefix="streamjoin-bench-") as folder:
        broker = EmbeddedBroker(Path(folder) / "broker", show_progress=True)
        try:
            info = broker.start()
            options = Options(
                broker=info.bootstrap,
                kafka=info.version,
                java=info.java.partition(" ")[0],
                folder=Path(folder),
                events=given.events // scale,
                faust_events=given.faust_events // scale,
                parts=tuple(given.only),
                shop_data=given.shop_data,
                command=" ".join(["python -m benchmarks", *sys.argv[1:]]),
            )
            report = asyncio.run(run(options))
        except UserError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            return 1
        finally:
            broker.stop()
    print("\n" + markdown(report))
    for difference in report.shop.differences[:20] if report.shop else ():
        print(f"differs: {difference}", file=sys.stderr)
    if given.write:
        raw = write(report, ROOT / "docs" / "performance.md", ROOT / "benchmarks" / "results")
        print(f"\nwritten to docs/performance.md and {raw.relative_to(ROOT)}")
    return 1 if report.failed or (report.shop and report.shop.differences) else 0


if __name__ == "__main__":
    sys.exit(main())
