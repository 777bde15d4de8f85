"""`python -m tests.chaos.stops`: workers that are told to stop at a random moment of their start.

Each is sent one signal at a random moment of its first seconds. The signals are held back until
the worker heeds them, as the image does (`env --block-signal`); with `--bare` they are not, and one
that comes while Python itself starts, before a line of ours, kills.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from app.broker import EmbeddedBroker
from tests.service.traffic import traffic
from tests.support.service import Service
from tests.support.signals import held_back

SENT = (signal.SIGTERM, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP)
IN_TIME = 10.0
GIVEN_UP = 60.0


@dataclass(frozen=True)
class Stop:
    """One start. `after`: seconds from the start to the signal; `serving`: whether HTTP did then.

    `took`: seconds from the signal to the end. `text`: what it wrote, if the status is not 0.
    """

    signal: str
    after: float
    serving: bool
    status: int
    took: float
    text: str


async def stop_at(
    service: Service, data: Path, after: float, number: signal.Signals, *, bare: bool
) -> Stop:
    """Start a worker, send it the signal so many seconds later, and wait for its end."""
    with ExitStack() as stack:
        with nullcontext() if bare else held_back():
            began = time.monotonic()
            worker = stack.enter_context(service.worker(data))
        await asyncio.sleep(after)
        serving = _listens(worker.port)
        at = time.monotonic()
        worker.process.send_signal(number)
        try:
            status = await worker.status(GIVEN_UP)
        except AssertionError:  # Lost for good.
            status = -signal.SIGKILL
        took = time.monotonic() - at
        text = "" if status == 0 else worker.text[-2_000:]
    return Stop(number.name, round(at - began, 3), serving, status, round(took, 3), text)


async def stops(
    bootstrap: str, folder: Path, count: int, seconds: float, lanes: int, *, bare: bool = False
) -> list[Stop]:
    """So many stops, some at a time: each lane has a group, topics and records of its own."""
    done: list[Stop] = []
    left = iter(range(count))

    async def lane(number: int) -> None:
        service = await Service(bootstrap, 2, {"commit_records": "500"}).create()
        for turn, begun in enumerate(left):
            if not turn % 10:  # So that there is something to restore, and to do.
                await service.send(traffic(1_000 * number + turn, 2_000, 2))
            after, kind = random.uniform(0, seconds), random.choice(SENT)
            done.append(await stop_at(service, folder / str(number), after, kind, bare=bare))
            print(f"{begun + 1}/{count} {done[-1]}", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as tasks:
        for number in range(lanes):
            tasks.create_task(lane(number))
    return done


def summary(found: Sequence[Stop]) -> str:
    """The counts as a table."""
    rows = [
        f"| {status} | {count} | {sum(s.serving for s in found if s.status == status)} |"
        for status, count in sorted(Counter(stop.status for stop in found).items())
    ]
    late = sum(stop.took > IN_TIME for stop in found)
    longest = max(stop.took for stop in found)
    return "\n".join(
        (
            "| exit status | starts | of them serving at the signal |",
            "|---|---|---|",
            *rows,
            "",
            f"{len(found)} starts; longest from signal to end {longest:.1f} s, "
            f"{late} later than {IN_TIME:g} s",
        )
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    """Run; 1 unless each start ended with exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.stops")
    parser.add_argument("--starts", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--result", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker")
        bootstrap = broker.start().bootstrap
        try:
            wanted = (given.starts, given.seconds, given.lanes)
            found = asyncio.run(stops(bootstrap, folder, *wanted, bare=given.bare))
        finally:
            broker.stop()
    print(summary(found))
    if given.result is not None:
        lines = (json.dumps(asdict(stop)) + "\n" for stop in found)
        given.result.write_text("".join(lines))
    return int(any(stop.status for stop in found))


if __name__ == "__main__":
    sys.exit(main())
