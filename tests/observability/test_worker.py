"""What a real worker shows of itself: its metrics, and a partition that stands still."""

import asyncio
import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.observability.catalogue import METRICS, PROCESS
from models.dead_letters import ErrorType
from models.topics import COMPUTATIONS
from tests.observability.stuck_worker import FILE, MODULE
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed
from tests.support.topics import until
from tests.support.worker import Worker
from tests.web.asking import Asker, asking, at_rest, filled

PARTITIONS = 2
USER = "canary-user-7071"
SECONDS = 240.0
SETTINGS = {
    "session_timeout": "20s",
    "transaction_timeout": "8s",
    "stalled_after": "9s",
    "restart_stalled": "true",
}


@dataclass
class Watched:
    """A worker that has taken a few records; it hangs while the file `stuck` is there."""

    service: Service
    worker: Worker
    stuck: Path


def event(user: str, **changes: Any) -> Message:  # noqa: ANN401
    made = {"user_id": user, "action": "buy", "timestamp": 1000, "value": 2.0} | changes
    return keyed("user-events", user, json.dumps(made), PARTITIONS)


def click(user: str, number: int) -> Message:
    made = {"user_id": user, "page": f"/{number}", "timestamp": 1000}
    return keyed("clicks", user, json.dumps(made), PARTITIONS)


RECORDS = [click(USER, number) for number in range(7)] + [
    event(USER),
    event(USER, timestamp=100_000),
    event(USER, timestamp=1),
    keyed("user-events", USER, "{", PARTITIONS),
]


@pytest.fixture(scope="module")
def watched(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("worker")
    stuck = folder / "stuck"
    service = asyncio.run(filled(kafka.bootstrap, PARTITIONS, SETTINGS, RECORDS))
    with service.worker(folder / "data", module=MODULE, environment={FILE: str(stuck)}) as worker:
        asyncio.run(at_rest(service, worker))
        yield Watched(service, worker, stuck)


async def families(worker: Worker) -> dict[str, Metric]:
    async with asking(worker.url) as [asker]:
        body = (await asker.get("/metrics")).body
    assert USER not in body
    return {family.name: family for family in text_string_to_metric_families(body)}


def values(family: Metric, label: str) -> dict[str, float]:
    """Of a counter or a gauge, by one label; those of its other labels are added up."""
    found: dict[str, float] = {}
    for sample in family.samples:
        key = sample.labels[label]
        found[key] = found.get(key, 0) + sample.value
    return found


async def test_a_worker_shows_what_the_list_says_and_no_more(watched: Watched) -> None:
    found = await families(watched.worker)
    listed = {metric.full_name.removesuffix("_total"): metric for metric in METRICS}
    process = {name.removesuffix("_total") for name in PROCESS}
    assert found.keys() == listed.keys() | process
    for name, metric in listed.items():
        family = found[name]
        assert family.type == metric.kind.value
        assert family.documentation == metric.text
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), name


async def test_records_and_outputs_are_counted_by_topic(watched: Watched) -> None:
    names = watched.service.names
    found = await families(watched.worker)
    read = values(found["streamjoin_read_records"], "topic")
    assert (read[names["clicks"]], read[names["user-events"]]) == (7, 4)
    assert read[names["purchases"]] == 0
    written = values(found["streamjoin_written_records"], "topic")
    by_topic = {name: len(await watched.service.output(topic)) for topic, name in names.items()}
    assert written == {name: count for name, count in by_topic.items() if name in written}
    assert written[names["dead-letters"]] == 1
    assert written[names["late-events"]] >= 1


async def test_what_may_go_wrong_is_there_before_it_does(watched: Watched) -> None:
    found = await families(watched.worker)
    dead = found["streamjoin_dead_letters"]
    reasons = values(dead, "reason")
    assert reasons == {reason.value: float(reason == ErrorType.NOT_JSON) for reason in ErrorType}
    topics = values(dead, "topic")
    assert topics.keys() == {
        watched.service.names[i] for i in ("clicks", "purchases", "user-events")
    }
    assert values(found["streamjoin_misplaced_keys"], "topic").keys() == topics.keys()
    late = values(found["streamjoin_late_events"], "computation")
    assert late.keys() == set(COMPUTATIONS)
    assert late["event-counts"] == 1


async def test_partitions_their_lag_and_their_state(watched: Watched) -> None:
    found = await families(watched.worker)
    partitions = values(found["streamjoin_partitions"], "state")
    wanted = {"assigned": 2, "running": 2, "restoring": 0, "standing": 0, "standby": 0}
    assert partitions == wanted
    [shared] = found["streamjoin_topic_partitions"].samples
    assert shared.value == PARTITIONS
    assert values(found["streamjoin_transactions_lost"], "partition") == {"0": 0, "1": 0}
    for name in ("streamjoin_lag_records", "streamjoin_lag_seconds"):
        lags = values(found[name], "topic")
        assert len(lags) == 4
        assert set(lags.values()) == {0}
    sizes = values(found["streamjoin_state_bytes"], "partition")
    assert sizes.keys() == {"0", "1"}
    assert min(sizes.values()) > 0
    [ready] = found["streamjoin_ready"].samples
    assert ready.value == 1
    for name in ("batch_seconds", "commit_seconds", "rebalance_seconds"):
        full = f"streamjoin_{name}"
        counts = [s.value for s in found[full].samples if s.name == f"{full}_count"]
        assert sum(counts) > 0


async def test_the_volume_of_the_state_is_shown(watched: Watched) -> None:
    """Of the data folder's own volume: tests write beside it, so its free space moves a little."""
    found = await families(watched.worker)
    [size], [free] = (found[f"streamjoin_data_{name}_bytes"].samples for name in ("size", "free"))
    total, _, available = shutil.disk_usage(watched.worker.environment["STREAMJOIN_DATA_DIR"])
    assert size.value == total
    assert abs(free.value - available) < total / 10
    assert 0 < free.value < size.value


async def test_requests_are_counted_by_route_and_never_by_user(watched: Watched) -> None:
    async with asking(watched.worker.url) as [asker]:
        assert (await asker.user(USER, "totals")).status == 200
        assert (await asker.user(USER, "enriched-purchases?limit=0")).status == 422
        assert (await asker.get(f"/{USER}")).status == 404
        assert (await asker.get("/v1/totals", method="PURGE")).status == 405
    name = "streamjoin_http_requests_total"
    samples = (await families(watched.worker))["streamjoin_http_requests"].samples
    seen = {
        (s.labels["method"], s.labels["path"], s.labels["status"])
        for s in samples
        if s.name == name
    }
    user = "/v1/users/{user_id}"
    assert {("GET", f"{user}/totals", "200"), ("GET", "other", "404")} <= seen
    assert ("GET", f"{user}/enriched-purchases", "422") in seen
    assert ("other", "other", "405") in seen


async def test_a_partition_that_stands_still(watched: Watched) -> None:
    number = event(USER)[1]
    async with asking(watched.worker.url) as [asker]:
        assert await _progress(asker) == {0: "ok", 1: "ok"}
        assert (await asker.get("/livez")).status == 200
        watched.stuck.touch()
        await watched.service.send([event(USER, timestamp=100_001)])
        await until(lambda: _is(asker, number, "stalled"), SECONDS, "stalled")
        await _stands_still(asker, number)
        name = "streamjoin_partition_state"
        samples = (await families(watched.worker))[name].samples
        states = {(s.labels["partition"], s.labels["state"]) for s in samples if s.value}
        assert states == {(str(number), "stalled"), (str(1 - number), "ok")}
        watched.stuck.unlink()
        await until(lambda: _is(asker, number, "ok"), SECONDS, "moving again")
        assert (await asker.get("/livez")).status == 200
    await watched.service.at_rest()
    assert watched.worker.text.count(f"partition {number} is stalled: 1 records wait") == 1
    assert f"partition {number} commits again" in watched.worker.text


async def _progress(asker: Asker) -> dict[int, str]:
    reply = await asker.get("/readyz")
    assert reply.status == 200
    return {found["partition"]: found["state"] for found in reply.json["progress"]}


async def _is(asker: Asker, number: int, state: str) -> bool:
    return (await _progress(asker))[number] == state


async def _stands_still(asker: Asker, number: int) -> None:
    """It is ready all the same, since it can be asked; it says what is wrong, and is not alive."""
    ready = (await asker.get("/readyz")).json
    [stalled] = [found for found in ready["progress"] if found["partition"] == number]
    assert stalled["lag_records"] == 1
    assert stalled["still_seconds"] >= 9
    assert stalled["lag_seconds"] > 0
    [warning] = ready["warnings"]
    assert warning.startswith(f"partition {number} is stalled: 1 records wait")
    alive = await asker.get("/livez")
    assert alive.status == 503
    assert alive.problem["type"].endswith("stalled")


async def test_one_that_drains_is_not_ready_and_is_alive(watched: Watched) -> None:
    """The last test: it ends the worker, which has something in hand that holds it."""
    await watched.service.at_rest()
    watched.stuck.touch()
    await watched.service.send([event(USER, timestamp=100_002)])
    async with asking(watched.worker.url) as [asker]:
        await until(lambda: _waits(asker), SECONDS, "held")
        watched.worker.process.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            reply = await asker.get("/readyz")
            return reply.status == 503 and "the worker is stopping" in reply.body

        await until(draining, SECONDS, "draining", 0.02)
        assert (await asker.get("/livez")).status == 200
    watched.stuck.unlink()
    await watched.worker.status()


async def _waits(asker: Asker) -> bool:
    progress = (await asker.get("/readyz")).json["progress"]
    return any(found["lag_records"] for found in progress)
