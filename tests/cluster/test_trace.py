"""The trace of what Kafka clients ask, and what must not be in it."""

import re
from pathlib import Path

import pytest

from tests.support.command import streamjoin
from tests.support.kafka import Kafka
from tests.support.service import Service, keyed
from tests.web.asking import until_ready

LINE = re.compile(r"^\S+ \S+ kafka client=(\S+) node=127\.0\.0\.1:\d+ api=(\w+) ms=[\d.]+ (\w.*)$")
USER, PAGE = "canary-user", "/canary-page"
CLICK = f'{{"user_id":"{USER}","page":"{PAGE}","timestamp":1000}}'


def traced(text: str) -> list[tuple[str, str, str]]:
    """(client, API, what came) of each line that is one of the trace."""
    return [found.groups() for line in text.splitlines() if (found := LINE.match(line))]  # type: ignore[misc]


@pytest.mark.parametrize("trace", ["true", "false"])
async def test_a_worker_tells_its_requests_if_it_is_asked_to(
    kafka: Kafka, tmp_path: Path, trace: str
) -> None:
    service = await Service(kafka.bootstrap, 1, {"trace_kafka": trace}).create()
    await service.send([keyed("clicks", USER, CLICK, 1)])
    with service.worker(tmp_path) as worker:
        await until_ready(worker)
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
        text = worker.text
    lines = traced(text)
    if trace == "false":
        assert lines == []
        return
    apis = {api for _, api, said in lines if said == "ok"}
    assert {"Metadata", "FindCoordinator", "JoinGroup", "Fetch"} <= apis
    assert {"InitProducerId", "Produce", "TxnOffsetCommit", "EndTxn"} <= apis
    clients = {client for client, *_ in lines}
    assert f"{service.app_id}-0" in clients
    assert len(clients) > 2
    assert "canary" not in text


def test_a_command_tells_them_on_stderr(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 1, {"trace_kafka": "true"})
    done = streamjoin(service.environment, "groups", "describe")
    assert {api for _, api, _ in traced(done.stderr)} >= {"ApiVersion", "Metadata"}
    assert traced(done.stdout) == []
