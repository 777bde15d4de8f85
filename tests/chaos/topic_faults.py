"""A topic is deleted under a service that runs beside the judged one, on the same brokers."""

import asyncio

from models.topics import Direction
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault
from tests.support.admin import delete_topic
from tests.support.fates import changelog, stopped_by
from tests.support.service import Service

PARTITIONS = 2


async def topic_deleted(scene: Scene, fault: Fault) -> Strike:
    """Its worker stops, says which topic is gone, and commits nothing of it.

    What it had is lost with the topic, so that it has to be another service's.
    """
    service = await Service(
        scene.service.bootstrap,
        PARTITIONS,
        dict(scene.service.settings),
        copies=scene.broker.copies,
    ).create()
    own = {"changelog": changelog(service), "partials": service.of(Direction.INTERNAL)[0]}
    topic, at = own.get(fault.detail) or service.names[fault.detail], now_ms()
    folder = scene.cluster.slots[0].folder.with_name(f"beside-{fault.number}")

    async def delete(service: Service) -> None:
        await delete_topic(service.bootstrap, topic)

    try:
        said = await stopped_by(service, folder, topic, delete, broker=scene.broker.proxied)
    except AssertionError as error:
        scene.report.fail("topic-deleted", f"{fault}: {error}")
        said = ""
    await asyncio.gather(*(delete_topic(service.bootstrap, name) for name in left(service, topic)))
    await scene.whole(str(fault))
    return scene.strike(fault, at, said or "it did not stop", struck=bool(said), recovery=None)


def left(service: Service, gone: str) -> list[str]:
    """The topics that are still there."""
    return [name for name in (changelog(service), *service.of(*Direction)) if name != gone]
