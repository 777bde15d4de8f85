"""The parts of the benchmark, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.broker.ports import free_port
from benchmarks import kafka
from benchmarks.backlog import Program, run_backlog
from benchmarks.generate import Dataset, Shape, generate
from benchmarks.joins import merged_share
from benchmarks.latency import run_latency
from benchmarks.machine import describe
from benchmarks.measure import Measured, RunFailedError, Worker
from benchmarks.peers.bare_loop import CHANGELOG, ENRICHED, GROUP, REVENUE
from benchmarks.progress import Progress
from benchmarks.queries import run_queries
from benchmarks.report import (
    AT_LEAST_ONCE,
    BARE,
    COLD,
    DEFAULT,
    FAUST,
    FAUST_DEFAULT,
    FOUR,
    HOT,
    USERS,
    WAIT_3,
    Report,
)
from benchmarks.user_parts import UserParts
from benchmarks.worker import Deployment
from models.topic_configs import changelog_config
from models.topics import ENRICHED_PURCHASES

PARTS = (
    "faust",
    "faust-default",
    "bare",
    "streamjoin",
    "streamjoin-3s",
    "at-least-once",
    "four-workers",
    "latency",
    "users",
    "users-kafka-streams",
    "users-hot",
    "users-cold",
    "queries",
    "shop",
)
_ON_ALL_DATA = {"bare", "streamjoin", "streamjoin-3s", "at-least-once", "four-workers"}
DEFAULT_WAIT_MS = 1_000


@dataclass(frozen=True)
class Options:
    """What to run, where, and on how much."""

    broker: str
    kafka: str
    java: str
    folder: Path
    events: int
    faust_events: int
    parts: tuple[str, ...]
    shop_data: Path
    command: str


async def run(options: Options) -> Report:
    """Generate and load the data, run `options.parts` in order, and return their figures.

    A part that fails is noted, and the others run all the same. Raises UserError when the broker
    fails.
    """
    show = Progress()
    machine = describe(options.kafka, options.java)
    show(f"generating {options.events:,} events")
    data = generate(Shape.of(options.events))
    report = Report(options.command, "", machine, asdict(data.shape), 0.0)
    suite = _Suite(options, data, report, show)
    if _ON_ALL_DATA & set(options.parts):
        report.ceiling = merged_share(data, DEFAULT_WAIT_MS)
        await suite.load("clicks", "purchases", data)
    for part in PARTS:
        if part in options.parts:
            try:
                await suite.parts()[part]()
            except RunFailedError as error:
                show(f"{part} failed\n")
                report.failed.append(f"{part}: {str(error).splitlines()[0]}")
                print(error, file=sys.stderr)
    report.finished = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    show("done\n")
    return report


class _Suite:
    """The parts, by the names that the command line has for them."""

    def __init__(self, options: Options, data: Dataset, report: Report, show: Progress) -> None:
        self._options, self._data, self._report, self._show = options, data, report, show
        self._partitions = data.shape.partitions
        self._stock_loaded = False
        self._users = UserParts(options.broker, options.folder, data, report, show)

    def parts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return the parts by name."""
        return {
            "faust": lambda: self.faust(FAUST, "exactly_once"),
            "faust-default": lambda: self.faust(FAUST_DEFAULT, "at_least_once"),
            "bare": self.bare,
            "streamjoin": lambda: self.streamjoin("bench-default", DEFAULT, {}),
            "streamjoin-3s": lambda: self.streamjoin("bench-3s", WAIT_3, {"join_wait": "3s"}),
            "at-least-once": lambda: self.streamjoin(
                "bench-alo", AT_LEAST_ONCE, {"processing_guarantee": "at_least_once"}
            ),
            "four-workers": lambda: self.streamjoin("bench-4", FOUR, {}, workers=4),
            "latency": self.latency,
            "users": lambda: self._users.worker(USERS, "usual"),
            "users-kafka-streams": self._users.kafka_streams,
            "users-hot": lambda: self._users.worker(HOT, "hot"),
            "users-cold": lambda: self._users.worker(COLD, "cold"),
            "queries": self.queries,
            "shop": self.shop,
        }

    async def load(self, clicks: str, purchases: str, data: Dataset) -> None:
        """Create two input topics and fill them."""
        broker = self._options.broker
        await kafka.create_topics(
            broker, [clicks, purchases], self._partitions, kafka.INPUT_CONFIGS
        )
        for topic, records in (
            (clicks, data.click_records()),
            (purchases, data.purchase_records()),
        ):

            def progress(count: int, topic: str = topic) -> None:
                self._show(f"loading {topic}: {count:,}")

            await kafka.load(broker, topic, records, progress)

    async def faust(self, name: str, guarantee: str) -> None:
        """Run the stock Faust app, on fewer events in topics of its own."""
        clicks, purchases = "stock-clicks", "stock-purchases"
        enriched = f"stock-{guarantee}-enriched"
        data = self._data.first(min(self._options.faust_events, self._options.events))
        if not self._stock_loaded:
            await self.load(clicks, purchases, data)
            self._stock_loaded = True
        await self._outputs(enriched)
        folder = str(self._options.folder / f"faust-{guarantee}")
        arguments = [folder, str(free_port()), guarantee]
        program = Program(
            name,
            lambda: self._peer("stock_faust", arguments),
            f"stock-faust-{guarantee}",
            clicks,
            purchases,
            enriched,
            note="RocksDB",
        )
        await self._backlog(program, data)

    async def bare(self) -> None:
        """Run the hand-written loop."""
        await self._outputs(ENRICHED, REVENUE)
        await kafka.create_topics(
            self._options.broker, [CHANGELOG], self._partitions, changelog_config()
        )
        arguments = [str(self._partitions), str(DEFAULT_WAIT_MS)]
        await self._backlog(
            Program(
                BARE,
                lambda: self._peer("bare_loop", arguments),
                GROUP,
                enriched=ENRICHED,
                note="state in memory",
            ),
            self._data,
        )

    async def streamjoin(
        self, app_id: str, name: str, settings: dict[str, str], workers: int = 1
    ) -> None:
        """Run the worker on the same topics, with a group and outputs of its own."""
        deployment = self._deployment(app_id, settings)
        await deployment.create_topics(self._partitions)
        enriched = deployment.name(ENRICHED_PURCHASES)

        def start() -> Measured:
            return deployment.start() if workers == 1 else deployment.start_several(workers)

        program = Program(name, start, app_id, enriched=enriched)
        await self._backlog(program, self._data)

    async def latency(self) -> None:
        """Measure the latency without and with the wait of the join."""
        for label, settings in (("join_wait 0", {"join_wait": "0"}), ("join_wait 1 s", {})):
            app_id = f"latency-{len(self._report.latency)}"
            deployment = self._deployment(app_id, settings, own_inputs=True)
            self._report.latency[label] = await run_latency(deployment, self._show)

    async def queries(self) -> None:
        """Measure queries, under load and without."""
        deployment = self._deployment("queries", {}, own_inputs=True)
        self._report.queries = await run_queries(deployment, self._show)

    async def shop(self) -> None:
        """Run the real shop's backlog where its data is."""
        from benchmarks.shop import FILES, run_shop  # Loads the oracle: in this run alone.

        folder = self._options.shop_data
        if not all((folder / file).is_file() for file in FILES.values()):
            self._report.skipped.append(
                f"the backlog of a real shop: its files are not in {folder.name} (--shop-data DIR)"
            )
            return
        deployment = self._deployment("shop", {}, own_inputs=True)
        self._report.shop = await run_shop(deployment, folder, self._show)

    def _deployment(
        self, app_id: str, settings: dict[str, str], *, own_inputs: bool = False
    ) -> Deployment:
        names = ("clicks", "purchases", "user-events") if own_inputs else ()
        inputs = {name: f"{app_id}-{name}" for name in names}
        options = self._options
        return Deployment(app_id, options.broker, options.folder, free_port(), inputs, settings)

    async def _backlog(self, program: Program, data: Dataset) -> None:
        result = await run_backlog(self._options.broker, program, data, self._show)
        self._report.backlogs.append(result)

    async def _outputs(self, *names: str) -> None:
        await kafka.create_topics(
            self._options.broker, names, self._partitions, kafka.OUTPUT_CONFIGS
        )

    def _peer(self, module: str, arguments: list[str]) -> Worker:
        argv = [sys.executable, "-m", f"benchmarks.peers.{module}", self._options.broker]
        return Worker([*argv, *arguments], {}, self._options.folder / f"{module}.log")
