"""When a worker says that it is ready, and when it answers as an owner."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.engine.clock import since_boot
from app.engine.faust_app import StreamApp
from app.engine.heartbeats import note_heartbeats
from app.observability.progress import Progress, ProgressWatch, State
from app.settings import load_settings
from app.web.health import Health
from app.web.membership import GroupMembership
from app.web.problems import ProblemError
from models.answers import Readiness
from tests.web.group import State as Committed


class Completed:
    def __init__(self, *, done: bool) -> None:
        self.done = done

    def is_set(self) -> bool:
        return self.done


def fake_engine(given: dict[str, Any]) -> SimpleNamespace:
    owned = given["owned"]
    return SimpleNamespace(
        tasks=owned,
        assigned=given["assigned"],
        restoring=given["restoring"],
        failure=given["failure"],
        parts=SimpleNamespace(partitions=2),
        store=lambda number: owned[number].store if number in owned else None,
        serves=lambda number: number in owned,
        gaps={},
    )


def worker(**changes: Any) -> StreamApp:  # noqa: ANN401
    """A worker that has joined and owns partition 0 of 2, but for `changes`."""
    given: dict[str, Any] = {
        "owned": {0: Committed(0)},
        "assigned": {0},
        "restoring": {},
        "failure": None,
        "joined": True,
        "rebalancing": False,
        "stopping": False,
        "leaving": False,
        "beat": since_boot(),
        "distribution": {"http://me:1": {"log": [0]}, "http://you:2/": {"log": [1]}},
    } | changes
    engine = fake_engine(given)
    app = SimpleNamespace(
        engine=engine,
        advertised="http://me:1",
        conf=SimpleNamespace(canonical_url="http://me:1"),
        should_stop=given["stopping"],
        leaving=given["leaving"],
        rebalancing=given["rebalancing"],
        changelog="log",
        tables=SimpleNamespace(recovery=SimpleNamespace(completed=Completed(done=given["joined"]))),
        consumer_service=SimpleNamespace(thread=SimpleNamespace(last_heartbeat=given["beat"])),
        assignor=SimpleNamespace(changelog_distribution=given["distribution"]),
    )
    return cast("StreamApp", app)


def member(app: StreamApp) -> GroupMembership:
    return GroupMembership(app, load_settings(session_timeout="600s", heartbeat_interval="1s"))


class Moving:
    """A `ProgressWatch` that finds what it is told."""

    def __init__(self, *stalled: int) -> None:
        self.stalled = list(stalled)

    def progress(self) -> list[Progress]:
        return [Progress(number, State.STALLED, 7, 61.0004, 60.0) for number in self.stalled]

    def warnings(self) -> list[str]:
        return [f"{number} is stalled" for number in self.stalled]


def health(app: StreamApp, *stalled: int, restart: bool = False) -> Health:
    watch = cast("ProgressWatch", Moving(*stalled))
    return Health(app, member(app), lambda: ["mind the keys"], watch, restart_stalled=restart)


def reasons(**changes: Any) -> list[str]:  # noqa: ANN401
    app = worker(**changes)
    readiness = health(app).readiness(details=True)
    assert health(app).ready == readiness.ready
    assert readiness.ready == (not readiness.reasons)
    assert readiness.warnings == ["mind the keys"]
    return readiness.reasons


def test_a_worker_that_has_recovered_is_ready() -> None:
    assert reasons() == []


def test_a_worker_with_no_partition_is_ready() -> None:
    assert reasons(owned={}, assigned=set()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"failure": ValueError("canary")}, "the worker stops after an error; its log has more"),
        ({"stopping": True}, "the worker is stopping"),
        ({"leaving": True, "assigned": set(), "owned": {}}, "the worker is stopping"),
        ({"rebalancing": True}, "the group is rebalancing"),
        ({"joined": False}, "the worker has not joined the group yet"),
        ({"beat": float("-inf")}, "no heartbeat has succeeded for the session timeout"),
        ({"beat": since_boot() - 601}, "no heartbeat has succeeded for the session timeout"),
        ({"assigned": {0, 1}}, "partition 1 is being acquired"),
        (
            {"assigned": {0, 1}, "restoring": {1: (5, 9)}},
            "partition 1 is being restored: 5 of 9",
        ),
    ],
)
def test_why_it_is_not_ready(changes: dict[str, Any], said: str) -> None:
    assert reasons(**changes) == [said]


def test_details_are_for_those_who_may_read() -> None:
    app = worker()
    readiness = health(app, 0).readiness(details=False)
    assert readiness == Readiness(ready=True, reasons=[])


def test_a_stalled_partition_is_told_and_leaves_the_worker_ready() -> None:
    readiness = health(worker(), 0).readiness(details=True)
    assert readiness.ready
    assert readiness.warnings == ["mind the keys", "0 is stalled"]
    assert readiness.progress is not None
    [found] = readiness.progress
    assert (found.partition, found.state, found.lag_records) == (0, "stalled", 7)
    assert (found.lag_seconds, found.still_seconds) == (61.0, 60.0)


def test_a_stalled_worker_is_alive_unless_it_is_to_be_restarted() -> None:
    assert health(worker(), 0).alive().alive
    assert health(worker(), restart=True).alive().alive
    with pytest.raises(ProblemError) as caught:
        health(worker(), 0, restart=True).alive()
    assert (caught.value.status, caught.value.kind) == (503, "stalled")


def test_a_restart_does_not_help_against_a_broker_that_is_away() -> None:
    away = worker(beat=since_boot() - 601)
    assert health(away, 0, restart=True).alive().alive


def test_the_owners_are_those_of_the_groups_metadata() -> None:
    assert member(worker()).owners() == {0: "http://me:1", 1: "http://you:2"}


def test_an_owner_reads_its_committed_state() -> None:
    assert member(worker()).read(0, lambda state: state.offsets(("clicks",))) == {"clicks": 0}


@pytest.mark.parametrize(
    ("number", "changes", "status", "kind"),
    [
        (1, {}, 421, "not-owner"),
        (1, {"beat": float("-inf")}, 421, "not-owner"),
        (1, {"assigned": {0, 1}, "restoring": {1: (5, 9)}}, 503, "recovering"),
        (0, {"beat": since_boot() - 601}, 503, "membership-unsure"),
        (0, {"assigned": set()}, 421, "not-owner"),
    ],
)
def test_when_it_does_not_answer(
    number: int, changes: dict[str, Any], status: int, kind: str
) -> None:
    with pytest.raises(ProblemError) as caught:
        member(worker(**changes)).read(number, lambda state: pytest.fail("it was read"))
    assert (caught.value.status, caught.value.kind) == (status, kind)


def test_a_membership_that_ends_during_the_read_voids_the_answer() -> None:
    app = worker()

    def read(state: object) -> str:
        app.consumer_service.thread.last_heartbeat = float("-inf")
        return "stale"

    with pytest.raises(ProblemError) as caught:
        member(app).read(0, read)
    assert caught.value.kind == "membership-unsure"


async def test_a_heartbeat_from_before_a_suspension_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only CLOCK_BOOTTIME goes on while the machine is suspended: here it is told that it was."""
    read, suspended = time.clock_gettime, 0.0
    monkeypatch.setattr(
        time,
        "clock_gettime",
        lambda clock: read(clock) + (suspended if clock == time.CLOCK_BOOTTIME else 0.0),
    )
    app = worker(beat=float("-inf"))

    async def beat() -> bool:
        return True

    coordinator = SimpleNamespace(
        _do_heartbeat=beat, _rejoin_needed_fut=asyncio.get_running_loop().create_future()
    )
    thread = cast("Any", app.consumer_service.thread)
    note_heartbeats(coordinator, lambda sent: setattr(thread, "last_heartbeat", sent))
    await coordinator._do_heartbeat()
    assert member(app).alive
    suspended = 599.0
    assert member(app).alive
    suspended = 601.0
    assert not member(app).alive
    with pytest.raises(ProblemError, match="another one may own the partition by now"):
        member(app).read(0, lambda _: None)
