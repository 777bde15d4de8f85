"""What a worker says of itself over HTTP."""

import aiohttp

from tests.support.topics import until
from tests.support.worker import Worker

READY_SECONDS = 240.0


async def metric(worker: Worker, name: str) -> float:
    """The sum of a metric over its labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{worker.url}/metrics") as answer:
        text = await answer.text()
    values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)]
    return sum(float(value) for value in values)


async def ready(worker: Worker, partitions: int | None = None) -> None:
    """Wait until the worker is ready, with so many partitions if a number is given."""

    async def is_ready() -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{worker.url}/readyz") as answer,
            ):
                body = await answer.json()
        except aiohttp.ClientError:
            return False
        return answer.status == 200 and partitions in (None, len(body["assigned"]))

    await until(is_ready, READY_SECONDS, f"ready with {partitions} partitions")
