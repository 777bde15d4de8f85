"""When a worker says that it is ready, and when it answers as an owner."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.engine.faust_app import StreamApp
from app.settings import load_settings
from app.web.health import Health
from app.web.membership import GroupMembership
from app.web.problems import ProblemError
from tests.web.group import State


class Completed:
    def __init__(self, *, done: bool) -> None:
        self.done = done

    def is_set(self) -> bool:
        return self.done


def worker(**changes: Any) -> StreamApp:  # noqa: ANN401
    """A worker that has joined and owns partition 0 of 2, but for `changes`."""
    given: dict[str, Any] = {
        "owned": {0: State(0)},
        "assigned": {0},
        "restoring": {},
        "failure": None,
        "joined": True,
        "rebalancing": False,
        "stopping": False,
        "beat": time.monotonic(),
        "distribution": {"http://me:1": {"log": [0]}, "http://you:2/": {"log": [1]}},
    } | changes
    owned = given["owned"]
    engine = SimpleNamespace(
        tasks=owned,
        assigned=given["assigned"],
        restoring=given["restoring"],
        failure=given["failure"],
        parts=SimpleNamespace(partitions=2),
        store=lambda number: owned[number].store if number in owned else None,
    )
    app = SimpleNamespace(
        engine=engine,
        should_stop=given["stopping"],
        rebalancing=given["rebalancing"],
        changelog="log",
        tables=SimpleNamespace(recovery=SimpleNamespace(completed=Completed(done=given["joined"]))),
        consumer_service=SimpleNamespace(thread=SimpleNamespace(last_heartbeat=given["beat"])),
        assignor=SimpleNamespace(changelog_distribution=given["distribution"]),
    )
    return cast("StreamApp", app)


def member(app: StreamApp) -> GroupMembership:
    return GroupMembership(app, load_settings(session_timeout="600s", heartbeat_interval="1s"))


def reasons(**changes: Any) -> list[str]:  # noqa: ANN401
    app = worker(**changes)
    readiness = Health(app, member(app), lambda: ["mind the keys"]).readiness(details=True)
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
        ({"rebalancing": True}, "the group is rebalancing"),
        ({"joined": False}, "the worker has not joined the group yet"),
        ({"beat": float("-inf")}, "no heartbeat has succeeded for the session timeout"),
        ({"beat": time.monotonic() - 601}, "no heartbeat has succeeded for the session timeout"),
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
    readiness = Health(app, member(app), lambda: ["mind the keys"]).readiness(details=False)
    assert readiness.ready
    assert (readiness.assigned, readiness.restoring, readiness.warnings) == (None, None, None)


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
        (0, {"beat": time.monotonic() - 601}, 503, "membership-unsure"),
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
