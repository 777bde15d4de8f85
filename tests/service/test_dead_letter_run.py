"""`dead_letter_run`: a worker stops rather than empty a topic into `dead-letters` (contract 5)."""

import json
from pathlib import Path

from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.service.test_handler import ALWAYS, MODULE
from tests.service.traffic import BASE, traffic
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import committed
from tests.support.worker import Worker

SECONDS = 90.0
"""No wait is expected to come near it."""
BAD = [keyed("clicks", "u1", text, 1) for text in ("{", "[]", '{"user_id":"u1"}', "null", "7")]
"""Bad in five ways."""


def click(number: int) -> Message:
    content = {"user_id": "u1", "page": f"/{number}", "timestamp": BASE + number}
    return keyed("clicks", "u1", json.dumps(content), 1)


async def next_click(service: Service) -> int:
    """The group's committed offset in `clicks`."""
    done = await committed(service.bootstrap, service.app_id)
    return done.get((service.names["clicks"], 0), 0)


async def stops(service: Service, worker: Worker) -> str:
    """Wait for the worker's end; the line that says why."""
    assert await worker.status(SECONDS) == 1, worker.text
    assert "STREAMJOIN_DEAD_LETTER_RUN" in worker.reason
    return worker.reason


async def goes_on(
    service: Service, folder: Path, failing: dict[bytes, str], failures: dict[str, int]
) -> list[Record]:
    """Have a worker without the setting do the rest; the dead letters, all compared."""
    environment = {"STREAMJOIN_DEAD_LETTER_RUN": "0", "FAILING": json.dumps(failures)}
    with service.worker(folder, module=MODULE, environment=environment) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    dead = {r.position: failing[r.value] for r in inputs if r.value in failing}
    expected = Model(inputs, service.oracle, enriched=outputs, failing=dead).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)
    return [r for r in outputs if r.topic == service.names["dead-letters"]]


async def test_run_stops_the_worker_until_the_setting_lets_it_go(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 1, {"dead_letter_run": "5"}).create()
    before = [*BAD[:4], click(1), *BAD[1:], click(2), *traffic(31, 400, 1, bad=0), *BAD[:4]]
    await service.send([*before, click(3)])
    with service.worker(tmp_path) as worker:
        await service.at_rest(SECONDS)
        first = await next_click(service)
        await service.send([*BAD, *BAD, click(4), *traffic(32, 100, 1, bad=0)])
        line = await stops(service, worker)
    assert f"5 dead letters in a row in partition 0 of {service.names['clicks']}" in line
    assert f"offsets {first} to {first + 4}:" in line
    assert "not-json 1, not-object 3, missing-field 1" in line
    assert first <= await next_click(service) <= first + 4
    with service.worker(tmp_path) as worker:
        assert f"to {first + 4}:" in await stops(service, worker)
    assert first <= await next_click(service) <= first + 4
    letters = await goes_on(service, tmp_path, {}, {})
    assert len(letters) == 4 + 4 + 4 + 10


async def test_run_goes_on_across_commits_and_ends_with_a_valid_record(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 1, {"dead_letter_run": "3"}).create()
    with service.worker(tmp_path) as worker:
        for message in (BAD[0], BAD[1], click(1), BAD[2], BAD[3]):
            await service.send([message])
            await service.at_rest(SECONDS)  # Each of them is committed by itself.
        await service.send([BAD[4]])
        line = await stops(service, worker)
    assert "(offsets 3 to 5: missing-field 1, not-object 2)" in line
    assert await next_click(service) == 5
    assert len(await goes_on(service, tmp_path, {}, {})) == 5


async def test_records_whose_handling_raises_make_a_run(kafka: Kafka, tmp_path: Path) -> None:
    settings = {"dead_letter_run": "3", "max_attempts": "2"}
    service = await Service(kafka.bootstrap, 1, settings).create()
    failing = {f"p-{number}": ALWAYS for number in range(3)}
    bought = [
        json.dumps({"user_id": "u1", "product_id": name, "amount": 1, "timestamp": BASE + 10})
        for name in failing
    ]
    between = [keyed("user-events", "u1", "{", 1), click(5)]  # Of other topics: they end no run.
    await service.send([*traffic(33, 100, 1, bad=0), keyed("purchases", "u1", bought[0], 1)])
    await service.send([*between, *(keyed("purchases", "u1", value, 1) for value in bought[1:])])
    environment = {"FAILING": json.dumps(failing)}
    with service.worker(tmp_path, module=MODULE, environment=environment) as worker:
        assert "handler 3" in await stops(service, worker)
    errors = [letter.header("error.type") for letter in await service.output("dead-letters")]
    assert errors.count("handler") < 3
    dead = {value.encode(): "handler" for value in bought}
    letters = await goes_on(service, tmp_path, dead, failing)
    assert len(letters) == 4
