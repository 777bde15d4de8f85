"""Worker processes with folders that stay: started, killed, frozen, and started again."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.service import Service
from tests.support.worker import Worker

NO_BROKER = ("no Kafka broker answers", "did not answer about topics")
"""How a worker may end that is started while the broker is away: its supervisor starts it again."""


@dataclass
class Slot:
    """A place for a worker, with its data folder and its log.

    `wanted`: it should be running; `armed`: it will kill itself; `told`: it got SIGTERM; `full`:
    its disk is, so that it has to end; `assigned`: as it last said; `was_ready`: since its start;
    `ends`: statuses of ends that nobody ordered.
    """

    number: int
    folder: Path
    log: Path
    worker: Worker | None = None
    wanted: bool = False
    armed: bool = False
    told: bool = False
    full: bool = False
    frozen: bool = False
    starts: int = 0
    assigned: frozenset[int] = frozenset()
    ready: bool = False
    was_ready: bool = False
    ends: list[int] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.worker is not None and self.worker.process.poll() is None

    @property
    def unordered(self) -> int | None:
        """The exit status of an end that nobody ordered, None if there was none."""
        status = None if self.worker is None else self.worker.process.poll()
        ordered = (
            (self.armed and status == -signal.SIGKILL)
            or (self.told and status == 0)
            or (self.full and status == 1)
        )
        return None if ordered else status

    @property
    def mark(self) -> int:
        """Length of its log now."""
        return self.log.stat().st_size if self.log.exists() else 0

    def since(self, mark: int) -> str:
        """What it has logged since."""
        with self.log.open("rb") as file:
            file.seek(mark)
            return file.read().decode(errors="replace")


class Cluster:
    """All workers of a run.

    An end that nobody ordered is told to `on_exit` with the slot and what it logged; the slot is
    started again, as a container would be.
    """

    def __init__(
        self,
        service: Service,
        folder: Path,
        count: int,
        module: str,
        environment: Mapping[str, str],
        on_exit: Callable[[Slot, str], None],
    ) -> None:
        self.service = service
        self.slots = [
            Slot(n, folder / f"data-{n}", folder / f"worker-{n}.log") for n in range(count)
        ]
        self.client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2))
        self._module = module
        self._environment = dict(environment)
        self._on_exit = on_exit
        self._mark: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Ask workers for their partitions, and start those again that end, until `close`."""
        self._task = asyncio.create_task(self._look(), name="cluster")

    async def close(self) -> None:
        """End all processes, each by its id. Raises what had ended the watch, if something did."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        for slot in self.slots:
            self.kill(slot)
        await self.client.close()
        if task is not None:
            with suppress(asyncio.CancelledError):
                await task

    @property
    def running(self) -> list[Slot]:
        """Slots whose worker should be running and is not frozen."""
        return [slot for slot in self.slots if slot.wanted and not slot.frozen]

    def pick(self, target: int) -> Slot:
        """One of the running workers, one that owns something if there is such."""
        owners = [slot for slot in self.running if slot.assigned] or self.running
        return owners[target % len(owners)]

    def start(self, slot: Slot, failpoint: str | None = None) -> None:
        """Start its worker, armed to die at a failpoint if one is given."""
        armed = {"STREAMJOIN_FAILPOINT": failpoint} if failpoint else {}
        environment = {**self._environment, **armed}
        worker = self.service.worker(slot.folder, module=self._module, environment=environment)
        worker.log.close()
        slot.log.parent.mkdir(parents=True, exist_ok=True)
        worker.log = slot.log.open("ab+")
        self._mark[slot.number] = slot.mark
        slot.worker, slot.wanted, slot.starts = worker.start(), True, slot.starts + 1
        slot.ready, slot.was_ready, slot.assigned = False, False, frozenset()
        slot.armed, slot.told, slot.full = bool(failpoint), False, False

    def kill(self, slot: Slot) -> None:
        """kill -9, frozen or not; that it had ended by itself is told."""
        status = slot.unordered
        if status is not None:
            slot.ends.append(status)
            self._on_exit(slot, self.text(slot))
        self._let_go(slot)

    def _let_go(self, slot: Slot) -> None:
        slot.wanted = slot.frozen = slot.ready = False
        worker, slot.worker = slot.worker, None
        if worker is not None:
            worker.__exit__(None, None, None)
            worker.log.close()

    def tell(self, slot: Slot) -> None:
        """SIGTERM."""
        assert slot.worker is not None
        slot.told = True
        slot.worker.process.send_signal(signal.SIGTERM)

    async def stop(self, slot: Slot, seconds: float = 40.0) -> int:
        """SIGTERM; its exit status (-9 if it had to be killed)."""
        assert slot.worker is not None
        slot.wanted = slot.ready = False
        if slot.alive:
            self.tell(slot)
        with suppress(AssertionError):
            await slot.worker.status(seconds)
        status = slot.worker.process.poll()
        if slot.told:
            self._let_go(slot)
        else:
            self.kill(slot)
        return -9 if status is None else status

    def freeze(self, slot: Slot) -> None:
        """SIGSTOP."""
        assert slot.worker is not None
        os.kill(slot.worker.process.pid, signal.SIGSTOP)
        slot.frozen = True

    def thaw(self, slot: Slot) -> None:
        """SIGCONT."""
        assert slot.worker is not None
        os.kill(slot.worker.process.pid, signal.SIGCONT)
        slot.frozen = False

    def text(self, slot: Slot) -> str:
        """What its present or last process has logged."""
        return slot.since(self._mark.get(slot.number, 0))

    async def get(self, slot: Slot, path: str) -> tuple[int, Any]:
        """Status and JSON of an answer; (0, None) where there is none."""
        if slot.worker is None:
            return 0, None
        try:
            async with self.client.get(slot.worker.url + path) as response:
                return response.status, await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
            return 0, None

    def whole(self) -> bool:
        """Whether all workers are ready and own all partitions, each one once."""
        running = self.running
        owned = [number for slot in running for number in slot.assigned]
        ready = all(slot.alive and slot.ready for slot in running)
        return ready and sorted(owned) == list(range(self.service.partitions))

    async def look(self, slot: Slot) -> None:
        """Ask a worker whether it is ready, and what is assigned to it."""
        worker = slot.worker
        status, body = await self.get(slot, "/readyz")
        # One that has been told to end gives up what it had.
        if slot.worker is worker and not (slot.frozen or slot.told):
            slot.ready = status == 200
            slot.was_ready |= slot.ready
            said = assigned_in(body)
            if said is not None:
                slot.assigned = said

    async def _look(self) -> None:
        while True:
            await asyncio.gather(*(self.look(slot) for slot in self.running))
            for slot in self.running:
                if not (slot.alive or slot.armed or slot.full):
                    self.kill(slot)
                    self.start(slot)
            await asyncio.sleep(0.3)


def assigned_in(body: object) -> frozenset[int] | None:
    """The partitions in an answer of `/readyz`, of a worker that is ready or not."""
    if not isinstance(body, dict):
        return None
    found = (body.get("readiness") or body).get("assigned")
    return None if found is None else frozenset(found)
