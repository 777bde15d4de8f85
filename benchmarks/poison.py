"""Measures what large records do to a worker: exits, its peak of memory, and what came of each.

`python -m benchmarks.poison` writes records of 1.25 to 4 MiB for every input, field and codec,
valid and not, among 100,000 ordinary ones, runs one worker over them, and compares all outputs with
the model; `--raw FILE` keeps the figures as JSON. It takes some 4 GB of memory of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import msgspec

from app.broker import EmbeddedBroker
from benchmarks.measure import peak_memory_mb
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Position
from tests.service.poison import MIB, Poison, poison, send
from tests.service.traffic import traffic
from tests.support.service import Service

PIECES, PARTITIONS = 20, 2
_CODECS = ("gzip", "snappy", "lz4", "zstd")
_SIZES = (MIB + MIB // 4, 2 * MIB, 3 * MIB, 4 * MIB)
"""Bytes: all too large for a row or an output, of which topics take 1 MiB by default."""
_REST_S = 1200.0


class Result(msgspec.Struct):
    """What came of a run; `peak`: MiB; `exit`: the worker's status after SIGTERM at the end."""

    ordinary: int
    large: int
    reasons: dict[str, int]
    letters: dict[str, int]
    differences: int
    peak: int
    exit: int
    seconds: float


def large(number: int) -> Iterator[Poison]:
    """So many of them, in rounds of one size."""
    rounds = (poison(dict.fromkeys(_CODECS, _SIZES[n % len(_SIZES)])) for n in count())
    return islice((record for one in rounds for record in one), number)


async def write(service: Service, ordinary: int, records: list[Poison]) -> None:
    """Write both kinds by turns."""
    for piece in range(PIECES):
        await service.send(traffic(100 + piece, ordinary // PIECES, PARTITIONS))
        await send(service.bootstrap, service.names, iter(records[piece::PIECES]))
        print(f"written: {piece + 1} of {PIECES} pieces", flush=True)


async def run(options: argparse.Namespace, folder: Path, bootstrap: str) -> Result:
    """Write, run a worker to the end of it, judge."""
    settings = dict(pair.split("=", 1) for pair in options.set)
    service = await Service(bootstrap, PARTITIONS, settings).create()
    records = list(large(options.large))
    await write(service, options.ordinary, records)
    began = time.monotonic()
    with service.worker(folder / "worker") as worker:
        await service.at_rest(_REST_S)
        seconds = time.monotonic() - began
        peak = round(peak_memory_mb(worker.process.pid))
        status = await worker.terminate()
    inputs, outputs = await service.inputs(), await service.outputs()
    refused = {record.value for record in records if record.reason == "too-large"}
    dead: dict[Position, str] = {r.position: "too-large" for r in inputs if r.value in refused}
    found = compare_outputs(Model(inputs, service.oracle, failing=dead).run(), outputs)
    print("\n".join(str(difference)[:300] for difference in found[:20]))
    letters = Counter(
        str(record.header("error.type"))
        for record in outputs
        if record.topic == service.names["dead-letters"] and record.header("value.size")
    )
    reasons = Counter(record.reason for record in records if record.reason)
    return Result(
        len(inputs) - len(records),
        len(records),
        dict(reasons),
        dict(letters),
        len(found),
        peak,
        status,
        round(seconds, 1),
    )


def main() -> int:
    """Run; 1 when a worker ended, something differs, or the peak is 512 MiB or more."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.poison", description=__doc__)
    parser.add_argument("--ordinary", type=int, default=100_000, help="records of the usual size")
    parser.add_argument("--large", type=int, default=1000, help="records of 1.25 to 4 MiB")
    parser.add_argument("--set", nargs="*", default=[], help="the worker's settings, NAME=VALUE")
    parser.add_argument("--raw", type=Path, help="where to write the figures, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="streamjoin-poison-") as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker")
        try:
            result = asyncio.run(run(options, folder, broker.start().bootstrap))
        finally:
            broker.stop()
    text = msgspec.json.format(msgspec.json.encode(result))
    print(text.decode())
    if options.raw:
        options.raw.write_bytes(text + b"\n")
    wrong = result.differences or result.exit or result.letters != result.reasons
    return 1 if wrong or result.peak >= 512 else 0


if __name__ == "__main__":
    sys.exit(main())
