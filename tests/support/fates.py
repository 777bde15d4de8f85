"""What becomes of a worker whose topic is deleted, or made anew, while it has work."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from app.factory import changelog_topic
from models.topics import Direction
from tests.oracle.records import Record
from tests.service.traffic import traffic
from tests.support.service import Service
from tests.support.topics import Ends, committed, read_all

Fate = Callable[[Service], Awaitable[None]]


def changelog(service: Service) -> str:
    return changelog_topic(service.loaded())


async def state(service: Service, without: str) -> tuple[Ends, list[Record]]:
    """The group's offsets, and all committed records that the service has written."""
    offsets = await committed(service.bootstrap, service.app_id)
    written = [changelog(service), *service.of(Direction.OUTPUT, Direction.INTERNAL)]
    names = [name for name in written if name != without]
    records = await read_all(service.bootstrap, names, service.partitions)
    return {place: at for place, at in offsets.items() if place[0] != without}, records


async def stopped_by(
    service: Service, folder: Path, topic: str, fate: Fate, *, more: bool = True, broker: str = ""
) -> str:
    """The line of a worker whose topic suffers a fate while it has work; it has stopped.

    `more`: records come afterwards, to the other topics. `broker`: for the worker, if another.
    """
    given = {"STREAMJOIN_BROKER": broker or service.bootstrap}
    with service.worker(folder, environment=given) as worker:
        await service.send(traffic(1, 300, service.partitions))
        await service.at_rest()
        before = await state(service, topic)
        await fate(service)
        if more:
            others = traffic(2, 300, service.partitions)
            await service.send(m for m in others if service.names[m[0]] != topic)
        assert await worker.status(90) == 1, worker.text
        assert await state(service, topic) == before
        said = worker.reason
    assert topic in said
    return said
