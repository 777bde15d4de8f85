"""What the harness makes of a worker's end: ordered, excused, or a failed check."""

import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.chaos.brokers import ProxiedBroker
from tests.chaos.cluster import Cluster, Slot, assigned_in
from tests.chaos.result import Report
from tests.chaos.stage import exited
from tests.support.service import Service
from tests.support.worker import Worker

NO_BROKER = "streamjoin: no Kafka broker answers at h:1; start one"


class Ended:
    """A worker that has ended with a status, or not (None)."""

    def __init__(self, status: int | None) -> None:
        self.process = cast(
            "subprocess.Popen[bytes]", SimpleNamespace(poll=lambda: status, returncode=status)
        )
        self.log = SimpleNamespace(close=lambda: None)

    def __exit__(self, *_: object) -> None:
        pass


def slot_of(folder: Path, status: int | None, *, armed: bool, told: bool) -> Slot:
    log = folder / "worker.log"
    log.write_text("text")
    worker = cast("Worker", Ended(status))
    return Slot(0, folder, log, worker, wanted=True, armed=armed, told=told)


@pytest.mark.parametrize(
    ("status", "armed", "told", "noted"),
    [
        (None, False, False, False),
        (1, False, False, True),
        (0, False, False, True),
        (-signal.SIGKILL, False, False, True),
        (-signal.SIGKILL, True, False, False),
        (1, True, False, True),
        (0, True, False, True),
        (0, True, True, False),
        (1, False, True, True),
    ],
)
async def test_an_end_that_nobody_ordered_is_told(
    tmp_path: Path, status: int | None, armed: bool, told: bool, noted: bool
) -> None:
    heard: list[int] = []
    service = Service("127.0.0.1:1", 1)
    cluster = Cluster(service, tmp_path, 1, "m", {}, lambda slot, _: heard.append(slot.ends[-1]))
    slot = slot_of(tmp_path, status, armed=armed, told=told)
    cluster.kill(slot)
    await cluster.close()
    assert heard == ([status] if noted else [])
    assert slot.worker is None


@pytest.mark.parametrize(
    ("text", "away", "was_ready", "excused"),
    [
        (NO_BROKER, True, False, True),
        (NO_BROKER, False, False, False),
        (NO_BROKER, True, True, False),
        (f"{NO_BROKER}\nstreamjoin: a bug", True, False, False),
        (f"WARNING {NO_BROKER}\nTraceback", True, False, False),
    ],
)
def test_only_a_start_without_a_broker_is_excused(
    tmp_path: Path, text: str, away: bool, was_ready: bool, excused: bool
) -> None:
    report = Report(1, [], "", "", {})
    broker = cast("ProxiedBroker", SimpleNamespace(was_away=lambda _: away))
    exited(report, broker, Slot(0, tmp_path, tmp_path, was_ready=was_ready, ends=[1]), text)
    assert set(report.failed) == (set() if excused else {"worker-exit"})
    assert report.numbers == ({"starts without a broker": 1} if excused else {})


def test_a_broker_is_away_until_some_time_after_its_return(tmp_path: Path) -> None:
    broker = ProxiedBroker(tmp_path)
    with broker.proxy, broker.between:
        assert not broker.was_away(60)
        broker.kill()
        assert broker.was_away(0)


def test_partitions_are_read_of_a_worker_that_is_not_ready_too() -> None:
    assert assigned_in({"ready": True, "assigned": [1, 2]}) == frozenset({1, 2})
    assert assigned_in(
        {"status": 503, "readiness": {"ready": False, "assigned": [3]}}
    ) == frozenset({3})
    assert assigned_in({"status": 503, "readiness": {"ready": False, "assigned": None}}) is None
    assert assigned_in(None) is None
