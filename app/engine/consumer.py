"""Faust's Consumer with our own loop: polls in bulk, and leaves every commit to the engine.

Faust's per-message machinery (futures, locks, acknowledgements) is what makes it slow, and its
commits are what makes it lose and double (faust.md). What stays is Faust's: the thread with the
aiokafka consumer in it, the rebalance callbacks, and the app's life cycle.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from faust.transport.drivers import aiokafka as driver
from mode import Service

from app.engine.consumer_thread import ConsumerThread
from app.engine.errors import StateError


class Consumer(driver.Consumer):
    """Faust's consumer service around `ConsumerThread`."""

    _thread: ConsumerThread

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> ConsumerThread:
        """The thread's methods, for the engine."""
        return self._thread

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401
        stopped: Callable[[], bool] = fetcher._stopped.is_set
        try:
            await self._drain(stopped)
        except asyncio.CancelledError:
            # Amid a rebalance Faust would take it for a crash, and log it as one.
            if not stopped():
                raise

    async def _drain(self, stopped: Callable[[], bool]) -> None:
        engine = cast("Any", self.app).engine
        while not (self.should_stop or stopped()):
            wanted = engine.wanted() if self.flow_active else ()
            if not wanted:
                await asyncio.sleep(0.02)
            try:
                polled = await self._thread.poll(wanted, 0.05, 8192)
            except StateError as error:
                engine.fail(error)
                return
            engine.receive(polled)
            if polled.records:
                await asyncio.sleep(0)

    async def perform_seek(self) -> None:
        """Do nothing: the engine seeks, to offsets that it has fetched itself."""

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ANN401
        """Do nothing: the engine commits."""
        return False

    async def wait_empty(self) -> None:
        """Finish and commit what the agents have in hand."""
        await cast("Any", self.app).engine.release()

    async def on_stop(self) -> None:
        """Call when the consumer is stopping."""
        await self.wait_empty()
        cast("Any", self.transport)._topic_waiters.clear()

    @Service.task
    async def _commit_handler(self) -> None:
        """Faust's commit timer has nothing to do here."""

    @Service.task
    async def _commit_livelock_detector(self) -> None:
        """Nor has its livelock detector: the engine knows of every commit."""


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = Consumer
