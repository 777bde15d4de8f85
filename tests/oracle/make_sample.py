"""Cuts the demo's sample out of the shop data: one week, rows and their bytes unchanged.

    python tests/oracle/make_sample.py SOURCE_DIR app/demo/sample

SOURCE_DIR holds clicks.ndjson.gz and purchases.ndjson.gz (see the sample's README). The same input
gives the same rows; the gzip header carries neither name nor time.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

FIRST = datetime(2016, 8, 22, tzinfo=UTC)
END = datetime(2016, 8, 29, tzinfo=UTC)
FILES = ("clicks.ndjson.gz", "purchases.ndjson.gz")


def lines_of_the_week(source: Path) -> Iterator[bytes]:
    """The source's lines with FIRST <= timestamp < END, as they are."""
    first, end = FIRST.timestamp(), END.timestamp()
    with gzip.open(source) as lines:
        for line in lines:
            if first <= json.loads(line)["timestamp"] < end:
                yield line


def cut(source: Path, target: Path) -> int:
    """Write the week of `source` to `target`; returns the number of rows."""
    rows = list(lines_of_the_week(source))
    target.write_bytes(gzip.compress(b"".join(rows), compresslevel=9, mtime=0))
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        rows = cut(arguments.source / name, arguments.target / name)
        size = (arguments.target / name).stat().st_size
        print(f"{name}: {rows} rows, {size} bytes")


if __name__ == "__main__":
    main()
