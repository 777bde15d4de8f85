"""`python -m tests.chaos.rebalances`: 20 rebalances under query load, every answer judged.

Three workers' places; records and questions come all the time. A rebalance is a worker that is
stopped (SIGTERM) or started. Each answer is compared with the model of exactly the records below
the answer's own `offsets`, and never goes back. Exit status 1 on a wrong answer, on fewer answers
than 95 %, or on a partition that moved and was asked fewer than 100 times before or after.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiokafka import AIOKafkaProducer

from app.broker import EmbeddedBroker
from tests.chaos.answers import Answered, judge
from tests.oracle.compare_http import VIEWS
from tests.oracle.equality import parse_answer
from tests.oracle.exact_numbers import partition_of
from tests.service.traffic import traffic
from tests.support.service import Service, send_in_batches
from tests.support.topics import until
from tests.support.worker import Worker
from tests.web.asking import until_ready, user_path

PARTITIONS, PLACES, USERS = 6, 3, 40
RECORDS_PER_S, QUERIES_PER_S = 60, 60
ASKED, SHARE = 100, 0.95
SETTLED_SECONDS = 240.0
SETTINGS = {"session_timeout": "10s", "commit_interval": "1s"}


class Moved(NamedTuple):
    """A partition that got another owner at `at` (s, monotonic)."""

    partition: int
    at: float


class Run:
    """One run: what is sent, asked and changed."""

    def __init__(self, service: Service, folder: Path, seed: int) -> None:
        self._service = service
        self._dice = random.Random(seed)
        self._seed = seed
        self._folder = folder
        self._workers: dict[int, Worker] = {}
        self._asked_ones: list[Worker] = []
        self._owners: dict[int, int] = {}
        self._users: defaultdict[int, list[str]] = defaultdict(list)
        for user in (f"u{number}" for number in range(1, USERS + 1)):
            self._users[partition_of(user.encode(), PARTITIONS)].append(user)
        self.answers: list[Answered] = []
        self.asked: list[Moved] = []
        self.moves: list[Moved] = []
        self.refused: Counter[str] = Counter()

    async def run(self, rebalances: int, pause: float) -> None:
        """Start two workers, change the group so many times, `pause` seconds apart."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                for place in range(2):
                    await self._start(place)
                self.moves.clear()
                tasks = [asyncio.create_task(work) for work in (self._send(), self._ask(session))]
                await asyncio.sleep(pause)
                for number in range(rebalances):
                    await self._change(number)
                    await asyncio.sleep(pause)
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                _raise(tasks)
                await self._service.at_rest()
            finally:
                for worker in self._workers.values():
                    worker.__exit__(None, None, None)

    async def _start(self, place: int) -> None:
        worker = self._service.worker(self._folder / str(place)).start()
        self._workers[place] = worker
        await self._settle()

    async def _change(self, number: int) -> None:
        """Stop one of three workers, or start the third."""
        if len(self._workers) == PLACES:
            place = self._dice.choice(sorted(self._workers))
            worker = self._workers.pop(place)
            self._asked_ones.remove(worker)
            status = await worker.terminate()
            worker.__exit__(None, None, None)
            assert status == 0, f"rebalance {number}: a stopped worker ended with {status}"
            await self._settle()
        else:
            free = [place for place in range(PLACES) if place not in self._workers]
            await self._start(self._dice.choice(free))

    async def _settle(self) -> None:
        """Wait until all workers share all partitions; note which have moved."""
        most = -(-PARTITIONS // len(self._workers))
        owners: dict[int, int] = {}

        async def shared() -> bool:
            owners.clear()
            for place, worker in self._workers.items():
                body = await until_ready(worker, lambda found: 0 < len(found["assigned"]) <= most)
                owners.update(dict.fromkeys(body["assigned"], place))
            return owners.keys() == set(range(PARTITIONS))

        await until(shared, SETTLED_SECONDS, "owning all partitions")
        self._asked_ones = list(self._workers.values())
        now = time.monotonic()
        self.moves += [Moved(n, now) for n, p in owners.items() if self._owners.get(n, p) != p]
        self._owners = owners

    async def _send(self) -> None:
        records = traffic(self._seed, 10**7, PARTITIONS, seconds=3e6, users=USERS, late=0.01)
        async with AIOKafkaProducer(
            bootstrap_servers=self._service.bootstrap, enable_idempotence=True
        ) as producer:
            while True:
                some = [next(records) for _ in range(RECORDS_PER_S // 4)]
                await send_in_batches(producer, self._service.names, some)
                await asyncio.sleep(0.25)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                task = asyncio.create_task(self._question(session))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                await asyncio.sleep(1 / QUERIES_PER_S)
        finally:
            if under_way:
                await asyncio.wait(under_way)

    async def _question(self, session: aiohttp.ClientSession) -> None:
        # Each partition as often as any other, whoever few users it has.
        partition = self._dice.choice(list(self._users))
        user, view = self._dice.choice(self._users[partition]), self._dice.choice(VIEWS)
        worker = self._dice.choice(self._asked_ones)
        more = "?limit=1000" if view == "enriched-purchases" else ""
        began = time.monotonic()
        self.asked.append(Moved(partition, began))
        try:
            async with session.get(worker.url + user_path(user, view) + more) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.refused[type(error).__name__] += 1
            return
        found: Any = parse_answer(text)
        if status == 200:
            self.answers.append(Answered(view, user, found, began, time.monotonic()))
        else:
            self.refused[f"{status} {found['type'].rpartition(':')[2]}"] += 1

    def unasked(self) -> list[str]:
        """Partitions that moved, and were asked too rarely before or after."""
        times = sorted({move.at for move in self.moves})
        found = []
        for move in self.moves:
            later = [at for at in times if at > move.at]
            earlier = [at for at in times if at < move.at]
            low, high = max(earlier, default=0.0), min(later, default=float("inf"))
            mine = [one.at for one in self.asked if one.partition == move.partition]
            before = sum(low < at <= move.at for at in mine)
            after = sum(move.at < at <= high for at in mine)
            if min(before, after) < ASKED:
                found.append(f"partition {move.partition}: asked {before} before, {after} after")
        return found


def _raise(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def measure(bootstrap: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """Run and judge; what is wrong, a line each. Prints the figures."""
    service = await Service(bootstrap, PARTITIONS, SETTINGS).create()
    run = Run(service, folder, options.seed)
    await run.run(options.rebalances, options.pause)
    wrong = await judge(service, run.answers)
    share = len(run.answers) / len(run.asked)
    print(
        f"{options.rebalances} rebalances, {len(run.moves)} partitions moved, {len(run.asked):,} "
        f"queries, {share:.2%} answered, {len(wrong)} wrong; not answered: {dict(run.refused)}"
    )
    few = [f"only {share:.2%} of the queries were answered"] if share < SHARE else []
    return [*wrong, *few, *run.unasked()]


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rebalances", description=__doc__)
    parser.add_argument("--rebalances", type=int, default=20)
    parser.add_argument("--pause", type=float, default=25.0, help="seconds between them")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="streamjoin-rebalances-") as folder:
        broker = EmbeddedBroker(Path(folder) / "broker")
        try:
            bootstrap = broker.start().bootstrap
            wrong = asyncio.run(measure(bootstrap, Path(folder), options))
        finally:
            broker.stop()
    print("\n".join(wrong[:20]) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
