"""What a scenario has: load, workers of one build, and waits that end."""

import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path

import psutil

from models.topics import Direction
from tests.chaos.brokers import Brokers
from tests.chaos.variants.variant import Variant
from tests.service.traffic import traffic
from tests.support.service import Message, Service
from tests.support.topics import Ends, committed, ends, until
from tests.support.worker import Worker

PARTITIONS = 2
EVENTS = 6000
MODULE = "tests.chaos.variants"
PATIENCE = 120.0
"""Seconds that the right build is given for each step, on a machine that has other work too."""
STALLED = 15.0
"""Seconds without a commit after which a broken build is not waited for."""


class EndedError(Exception):
    """A build did not do what the scenario's next step needs: the scenario is over.

    For the right build that is a failure. A broken one is judged by what it has committed.
    """


class Trial:
    """One run of a scenario; `variant` None is the right build.

    `since`: what was committed when all that came later lay ready, before a worker was started.
    """

    def __init__(
        self,
        bootstrap: str,
        folder: Path,
        seed: int,
        variant: Variant | None,
        proxied: Brokers | None = None,
    ) -> None:
        """`bootstrap`: for all but workers, who go through `proxied` if that is given."""
        self.service = Service(bootstrap, PARTITIONS, copies=proxied.copies if proxied else 1)
        self.service.settings |= {"session_timeout": "2s", "heartbeat_interval": "400ms"}
        self.folder = folder
        self.variant = variant
        self.proxied = proxied
        self.evidence: list[str] = []
        self.failing: set[str] = set()
        self.workers: list[Worker] = []
        self.standing = ""
        self.since: Ends | None = None
        self._messages = traffic(seed, EVENTS, PARTITIONS, late=0.03, bad=0.04)

    def next(self, count: int) -> list[Message]:
        """Give the next messages of the seed's traffic."""
        return list(islice(self._messages, count))

    async def send(self, count: int) -> None:
        """Write the next messages."""
        await self.service.send(self.next(count))

    def start(self, folder: str = "first", **environment: str) -> Worker:
        """Start a worker of the build; `environment`: variables besides the service's."""
        given = {"CHAOS_VARIANT": self.variant.name if self.variant else "", **environment}
        if self.proxied is not None:
            given["STREAMJOIN_BROKER"] = self.proxied.proxied
        worker = self.service.worker(self.folder / folder, module=MODULE, environment=given)
        self.workers.append(worker)
        return worker.start()

    async def stop(self, worker: Worker) -> None:
        """SIGTERM, and its end: with status 0, where it is the right build."""
        status = await worker.terminate(PATIENCE)
        if status and self.variant is None:
            raise EndedError(f"a stopped worker ended with status {status}: {last_line(worker)}")

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            worker.__exit__(None, None, None)

    async def dies(self, worker: Worker, status: int, what: str) -> None:
        """Wait until it has ended with this exit status: `what` it is evidence of."""
        try:
            found = await worker.status(PATIENCE if self.variant is None else PATIENCE / 3)
        except AssertionError:
            raise EndedError(f"a worker lives that should be dead: {what}") from None
        if found != status:
            raise EndedError(f"a worker ended with status {found}: {last_line(worker)}")
        self.evidence.append(what)

    async def sleeps(self, worker: Worker, what: str) -> None:
        """Wait until it has stopped itself (SIGSTOP): `what` it is evidence of."""

        async def stopped() -> bool:
            if worker.process.poll() is not None:
                raise EndedError(f"a worker ended: {last_line(worker)}")
            return psutil.Process(worker.process.pid).status() == psutil.STATUS_STOPPED

        await self._until(stopped, what)
        self.evidence.append(what)

    async def _until(self, check: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            await until(check, PATIENCE if self.variant is None else PATIENCE / 3, what)
        except AssertionError as error:
            raise EndedError(str(error)) from None

    async def logs(self, worker: Worker, text: str, times: int = 1) -> None:
        """Wait until the worker has logged this so often, as evidence."""

        async def logged() -> bool:
            if worker.process.poll() is not None:
                raise EndedError(f"a worker ended: {last_line(worker)}")
            return worker.text.count(text) >= times

        await self._until(logged, f"logged: {text}")
        self.evidence.append(f"logged {times} times: {text}")

    async def taken(self) -> None:
        """Wait until all that was written to the inputs is committed."""
        service = self.service

        async def done() -> bool:
            last = await ends(service.bootstrap, service.of(Direction.INPUT), PARTITIONS)
            there = await committed(service.bootstrap, service.app_id)
            return all(there.get(place) == end for place, end in last.items())

        await self._stand(lambda seconds: until(done, seconds, "all inputs committed"))

    async def rest(self) -> None:
        """Wait until all is committed, and all outputs can be read."""
        await self._stand(self.service.at_rest)

    async def _stand(self, wait: Callable[[float], Awaitable[None]]) -> None:
        """Wait; a broken build that has begun and then stands still is left as it is."""
        started = time.monotonic()
        moves = [(started, await self.committed())]
        self.standing = ""
        while True:
            try:
                return await wait(3.0)
            except AssertionError as error:
                said = str(error).partition("\n")[0]
            now, there = time.monotonic(), await self.committed()
            if there != moves[-1][1]:
                moves.append((now, there))
            if self.workers[-1].process.poll() is not None:
                raise EndedError(f"a worker ended: {last_line(self.workers[-1])}")
            stalled = self.variant and len(moves) > 1 and now - moves[-1][0] > STALLED
            if stalled or now - started > PATIENCE:
                self.standing = said
                if self.variant is None:
                    raise EndedError(said)
                return None

    async def committed(self) -> Ends:
        """The group's offsets."""
        return await committed(self.service.bootstrap, self.service.app_id)


def last_line(worker: Worker) -> str:
    """What a worker said last."""
    lines = worker.text.strip().splitlines()
    return lines[-1] if lines else "nothing"
