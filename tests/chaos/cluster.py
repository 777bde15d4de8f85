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

    `wanted`: it should be running; `armed`: it will die by itself; `assigned`: as it last said;
    `ends`: statuses of ends that nobody ordered.
    """

    number: int
    folder: Path
    log: Path
    worker: Worker | None = None
    wanted: bool = False
    armed: bool = False
    frozen: bool = False
    starts: int = 0
    assigned: frozenset[int] = frozenset()
    ready: bool = False
    ends: list[int] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.worker is not None and self.worker.process.poll() is None

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
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self) -> None:
        """Ask workers for their partitions, and start those again that end, until `close`."""
        self._tasks = [asyncio.create_task(work(), name="cluster") for work in (self._look,)]

    async def close(self) -> None:
        """End all processes, each by its id."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for slot in self.slots:
            self.kill(slot)
        await self.client.close()

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
        slot.ready, slot.assigned, slot.armed = False, frozenset(), bool(failpoint)

    def kill(self, slot: Slot) -> None:
        """kill -9, frozen or not."""
        slot.wanted = slot.frozen = slot.ready = False
        worker, slot.worker = slot.worker, None
        if worker is not None:
            worker.__exit__(None, None, None)
            worker.log.close()

    async def stop(self, slot: Slot, seconds: float = 40.0) -> int:
        """SIGTERM; its exit status (-9 if it had to be killed)."""
        assert slot.worker is not None
        slot.wanted = slot.ready = False
        slot.worker.process.send_signal(signal.SIGTERM)
        with suppress(AssertionError):
            await slot.worker.status(seconds)
        status = slot.worker.process.poll()
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
        if slot.worker is worker and not slot.frozen:
            slot.ready = status == 200
            if body is not None and body.get("assigned") is not None:
                slot.assigned = frozenset(body["assigned"])

    async def _look(self) -> None:
        while True:
            await asyncio.gather(*(self.look(slot) for slot in self.running))
            for slot in self.running:
                if not slot.alive and not slot.armed:
                    self._again(slot)
            await asyncio.sleep(0.3)

    def _again(self, slot: Slot) -> None:
        assert slot.worker is not None
        text = self.text(slot)
        slot.ends.append(int(slot.worker.process.returncode))
        self._on_exit(slot, text)
        self.kill(slot)
        self.start(slot)
