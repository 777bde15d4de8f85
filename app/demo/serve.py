"""The demo once Kafka answers: topics, worker, the week, the table, then live events."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any, Final

import aiohttp

from app.broker import EmbeddedBroker
from app.demo.catch_up import CatchUp
from app.demo.client import Client, NotReadyError
from app.demo.live import Live
from app.demo.options import DemoOptions
from app.demo.screen import Screen
from app.demo.summary import Summary, summarise, table
from app.demo.visit import show_addresses
from app.demo.week import FILES, Week, read_week
from app.demo.worker import DemoWorker
from app.errors import UserError
from app.producer import EventProducer, Progress, ReplayOptions, replay
from app.settings import Settings, load_settings
from app.topics_admin import create_topics
from models.topics import TOPICS, Direction

# Few partitions make a start short; each has transactions of its own.
_PARTITIONS: Final = 4
_WATCH_SECONDS: Final = 0.3
_ASK_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 180.0
_SHOW_SECONDS: Final = 1.0


class Service:
    """Works on a broker that runs and a worker that waits for its flags."""

    def __init__(
        self,
        options: DemoOptions,
        screen: Screen,
        broker: EmbeddedBroker,
        worker: DemoWorker,
        flags: dict[str, Any],
    ) -> None:
        """`flags`: the worker's, by setting's name."""
        self._options = options
        self._screen = screen
        self._broker = broker
        self._worker = worker
        self._flags = flags
        self._settings: Settings = load_settings(**flags)
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False

    def stop(self, _signal: int) -> None:
        """Have `run` end; from a signal handler."""
        self._stopped = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    async def run(self) -> None:
        """Work until it is done or stopped. Raises UserError where a part of it ends by itself."""
        self._loop = asyncio.get_running_loop()
        if self._stopped:
            return
        tasks = [
            asyncio.create_task(work) for work in (self._watch(), self._work(), self._stop.wait())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            # In this order: work that fails because the worker has ended is not the cause.
            if task in done:
                task.result()

    async def _watch(self) -> None:
        while True:
            self._worker.check()
            if not self._broker.status().running:
                raise UserError(f"Kafka has ended; see {self._broker.folder / 'logs'}")
            await asyncio.sleep(_WATCH_SECONDS)

    async def _work(self) -> None:
        settings, screen = self._settings, self._screen
        catalogue, bootstrap = settings.catalogue(), settings.cluster
        partitions = settings.partitions or _PARTITIONS
        await create_topics(bootstrap, catalogue, partitions, 1)
        screen.step(f"topics are made, {partitions} partitions each")
        async with AsyncExitStack() as stack:
            client = Client(await stack.enter_async_context(_session(settings)), settings.url)
            producer = await stack.enter_async_context(EventProducer(bootstrap))
            week = read_week()
            summary = await self._week(client, producer, week, partitions)
            screen.say()
            screen.console.print(table(summary))
            if not self._options.once:
                await self._live(client, producer, week)

    async def _first_answer(self, client: Client) -> None:
        end = time.monotonic() + _ANSWER_SECONDS
        while time.monotonic() < end:
            try:
                await client.revenue()
            except NotReadyError:
                await asyncio.sleep(_ASK_SECONDS)
            else:
                self._screen.step(f"the worker answers: {client.url}/")
                return
        raise UserError(f"the worker does not answer; its log is {self._worker.log}")

    async def _week(
        self, client: Client, producer: EventProducer, week: Week, partitions: int
    ) -> Summary:
        """Send the week so that it ends now, and wait until all of it is processed.

        The worker starts when all of it lies ready: a week that comes in seconds, while clicks and
        purchases travel in batches of their own, would leave purchases hours of event time behind.
        """
        settings, screen = self._settings, self._screen
        with screen.progress() as advance:

            def show(position: Progress) -> None:
                advance("sent", position.share)

            result = await replay(FILES, producer, self._replay_options(week), show)
            screen.step(f"a week is sent: {result.total:,} records, {result.rate:,.0f}/s")
            self._worker.go(self._flags)
            started = time.monotonic()
            first = asyncio.create_task(self._first_answer(client))
            try:
                catch_up = CatchUp(settings.cluster, settings.app_id, client)
                await catch_up.wait(result.sent, advance)
                seconds = time.monotonic() - started
                await first
            finally:
                first.cancel()
        screen.step("all of it is processed, in transactions, and can be asked for")
        return await summarise(client, settings, partitions, result.sent, seconds)

    def _replay_options(self, week: Week) -> ReplayOptions:
        return ReplayOptions(
            names=_names(self._settings),
            shift_ms=round(time.time() * 1000) - week.last_ms,
            mirror_user_events=True,
        )

    async def _live(self, client: Client, producer: EventProducer, week: Week) -> None:
        rate, screen = self._options.live_rate, self._screen
        show_addresses(screen, client.url, week.shoppers)
        if not rate:
            screen.say("Nothing more arrives. Ctrl-C stops everything.")
            await asyncio.Event().wait()
        screen.say(
            f"From now on the week's last hours arrive again, {rate:g} events a second. "
            "Ctrl-C stops everything."
        )
        live = Live(producer, _names(self._settings), week.live)
        task = asyncio.create_task(live.run(rate))
        try:
            with screen.waiting("arriving") as show:
                while not task.done():
                    await asyncio.wait([task], timeout=_SHOW_SECONDS)
                    show(f"{live.sent:,} events, {live.purchases:,} purchases with a price so far")
            await task
        finally:
            task.cancel()


def _names(settings: Settings) -> dict[str, str]:
    """The inputs' actual names by the catalogue's id."""
    catalogue = settings.catalogue()
    return {t.id: catalogue.name(t) for t in TOPICS if t.direction is Direction.INPUT}


def _session(settings: Settings) -> aiohttp.ClientSession:
    key = settings.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key is not None else {}
    return aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10))
