"""Every computation on traffic that is much disordered, against the model; windows by setting."""

import json
from pathlib import Path

import aiohttp
import pytest

from tests.oracle.compare_http import VIEWS, compare_view
from tests.oracle.equality import parse_answer
from tests.oracle.model import Expected, Model
from tests.oracle.records import LATE, OUTPUTS, SESSIONS
from tests.service.traffic import BASE, traffic
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import ends, until
from tests.support.worker import Worker

SMALL = {
    "join_window": "45s",
    "tumbling_size": "7s",
    "hopping_size": "10s",
    "hopping_step": "3s",
    "average_size": "20s",
    "session_gap": "5s",
    "retention": "90s",
}


async def views_differ(service: Service, worker: Worker, expected: Expected) -> list[str]:
    users = [f"u{number}" for number in range(1, 30)]
    differences = []
    async with aiohttp.ClientSession(worker.url) as session:
        for user in users:
            for view in VIEWS:
                limit = "?limit=1000" if view == "enriched-purchases" else ""
                async with session.get(f"/v1/users/{user}/{view}{limit}") as response:
                    body = await response.read()
                    assert response.status == 200, body
                answer = parse_answer(body)
                assert isinstance(answer, dict)
                differences += compare_view(expected, view, user, answer)
    return differences


@pytest.mark.parametrize("grace", ["0", "1500ms", "60s"])
@pytest.mark.parametrize("sizes", [{}, SMALL], ids=["contract", "small"])
async def test_windows_by_setting(
    kafka: Kafka, tmp_path: Path, grace: str, sizes: dict[str, str]
) -> None:
    """Stopped and started again in the middle."""
    service = await Service(kafka.bootstrap, 2, {"grace": grace, **sizes}).create()
    seconds = 900.0 if sizes else 7200.0
    messages = list(traffic(51, 3000, 2, seconds=seconds, disorder=5.0, late=0.08))
    await service.send(messages[:1500])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    await service.send(messages[1500:])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        outputs = await service.outputs()
        expected = Model(await service.inputs(), service.oracle, enriched=outputs).run()
        differences = await views_differ(service, worker, expected)
        assert not differences, lines(differences)
        assert await worker.terminate() == 0, worker.text
    differences = await compare(service)
    assert not differences, lines(differences)
    assert {service.oracle.role(record.topic) for record in outputs} == set(OUTPUTS)
    late = {r.header("late.for") for r in outputs if r.topic == service.names[LATE]}
    assert {"event-counts", "hopping-counts", "moving-average", "revenue"} <= late
    assert ("sessions" in late) == bool(sizes)


async def test_more_closes_at_once_than_one_commit_tells(kafka: Kafka, tmp_path: Path) -> None:
    """Then one commit follows the other, though no further record comes."""
    users = 23_000
    service = await Service(kafka.bootstrap, 1).create()

    def event(user: str, time: float) -> Message:
        content = {"user_id": user, "action": "a", "value": 1, "timestamp": BASE + time}
        return keyed("user-events", user, json.dumps(content), 1)

    await service.send([event(f"u{number}", number / 1000) for number in range(users)])
    await service.send([event("last", 86_400)])
    with service.worker(tmp_path) as worker:

        async def told() -> bool:
            last = await ends(kafka.bootstrap, [service.names[SESSIONS]], 1)
            return sum(last.values()) > users

        await until(told, 240, "told")
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    differences = await compare(service)
    assert not differences, lines(differences)
