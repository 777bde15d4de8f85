"""Several workers: killed, started again; exact to the last cent."""

from pathlib import Path

from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.service import slow_worker
from tests.service.traffic import traffic
from tests.support.groups import bury_members
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.topics import committed, until

SESSION = {"session_timeout": "6s", "heartbeat_interval": "1s"}


async def progress(service: Service) -> int:
    """How many input records have been committed."""
    return sum((await committed(service.bootstrap, service.app_id)).values())


async def moved(service: Service, past: int) -> None:
    async def further() -> bool:
        return await progress(service) > past

    await until(further, 240, f"past {past} committed records", 0.02)


async def test_a_killed_worker_loses_and_doubles_nothing(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 4, SESSION).create()
    messages = list(traffic(11, 24_000, 4))
    first, second = tmp_path / "first", tmp_path / "second"
    await service.send(messages[:8000])
    with service.worker(first) as killed, service.worker(second) as other:
        await moved(service, 1000)
        await service.send(messages[8000:16_000])
        await moved(service, 8500)
        killed.kill()
        await service.send(messages[16_000:])
        with service.worker(first) as again:
            await service.at_rest()
            assert await other.terminate() == 0, other.text
            assert await again.terminate() == 0, again.text
    differences = await compare(service)
    assert not differences, lines(differences)


async def test_the_only_worker_is_killed_again_and_again(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 2, {"commit_records": "500"}).create()
    await service.send(traffic(12, 12_000, 2))
    for _ in range(3):
        before = await progress(service)
        with service.worker(tmp_path, module=slow_worker.MODULE) as worker:
            await moved(service, before + 1000)
            worker.kill()
        assert await progress(service) < 12_000
        assert await bury_members(kafka.bootstrap, service.app_id) == 1
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    differences = await compare(service)
    assert not differences, lines(differences)
    ready = Model(await service.inputs(), service.oracle).run()
    differences = compare_outputs(ready, await service.outputs())
    assert not differences, lines(differences)
