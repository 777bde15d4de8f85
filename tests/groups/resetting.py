"""`streamjoin groups reset-offsets` as a process, and what a service was like before it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import NamedTuple, Self

from app.factory import changelog_topic
from app.topic_identity import ClusterIdentity, topic_identities
from models.topics import Direction
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.support.service import Service, lines
from tests.support.topics import Ends, committed, ends, read_all
from tests.support.worker import ROOT

COMMAND_SECONDS = 120


class Ran(NamedTuple):
    """A command's exit status, and what it wrote to stdout and stderr."""

    status: int
    text: str


async def reset(
    service: Service,
    data: Path,
    *flags: str,
    module: str = "app.cli.main",
    environment: dict[str, str] | None = None,
) -> Ran:
    """Run the command to its end, with no terminal."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("STREAMJOIN_")}
    arguments = ["-m", module, "groups", "reset-offsets", "--data-dir", str(data), *flags]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env={**kept, **service.environment, **(environment or {})},
    )
    async with asyncio.timeout(COMMAND_SECONDS):
        text, _ = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, text.decode())


class Seen(NamedTuple):
    """All that a reset may change."""

    offsets: Ends
    identity: ClusterIdentity
    changelog: list[Record]
    folder: list[str]

    @classmethod
    async def now(cls, service: Service, data: Path) -> Self:
        changelog = changelog_topic(service.loaded())
        return cls(
            await committed(service.bootstrap, service.app_id),
            await topic_identities(service.bootstrap, [changelog, *service.of()]),
            await read_all(service.bootstrap, [changelog], service.partitions),
            sorted(path.name for path in (data / service.app_id).iterdir()),
        )


async def refuses(service: Service, data: Path) -> Ran:
    """A worker that must not start, and names the command."""
    with service.worker(data, module="tests.groups.impatient") as worker:
        status = await worker.status(120)
        reason, text = worker.reason, worker.text
    assert "groups reset-offsets" in reason, text
    assert status in (1, 2), text
    return Ran(status, reason)


async def output_ends(service: Service) -> Ends:
    return await ends(service.bootstrap, service.of(Direction.OUTPUT), service.partitions)


async def run_and_compare(
    service: Service, data: Path, since: Ends, first: Ends | None = None
) -> None:
    """A worker's outputs since these offsets are the model's, of the inputs from `first` on."""
    with service.worker(data) as worker:
        await service.at_rest(120)
        assert await worker.terminate(60) == 0, worker.text
    inputs = await service.inputs()
    inputs = [r for r in inputs if r.offset >= (first or {}).get((r.topic, r.partition), 0)]
    outputs = [r for r in await service.outputs() if r.offset >= since[r.topic, r.partition]]
    assert inputs
    assert outputs
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)
