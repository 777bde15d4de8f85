"""What a worker says of itself over HTTP."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.topics import until
from tests.support.worker import Worker

READY_SECONDS = 240.0


async def _metrics(worker: Worker) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{worker.url}/metrics") as answer:
        return await answer.text()


def by_label(metrics: str, name: str, label: str) -> dict[str, float]:
    """A metric by one of its labels, out of what `/metrics` answers."""
    samples = [s for family in text_string_to_metric_families(metrics) for s in family.samples]
    return {sample.labels[label]: sample.value for sample in samples if sample.name == name}


async def metric(worker: Worker, name: str) -> float:
    """The sum of a metric over its labels."""
    text = await _metrics(worker)
    values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)]
    return sum(float(value) for value in values)


async def by_partition(worker: Worker, name: str) -> dict[int, float]:
    """A metric by its partition."""
    found = by_label(await _metrics(worker), name, "partition")
    return {int(number): value for number, value in found.items()}


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
