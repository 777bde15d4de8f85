"""Which of a broker's answers to a heartbeat proves ownership: aiokafka's own coordinator asks."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator

from app.engine.clock import since_boot
from app.engine.heartbeats import note_heartbeats


def _coordinator(error: type[errors.BrokerResponseError]) -> Any:  # noqa: ANN401
    """A member whose broker gives this answer to every heartbeat."""

    async def answer(request: object) -> object:
        return SimpleNamespace(error_code=error.errno)

    made: Any = object.__new__(GroupCoordinator)
    made.group_id, made.generation, made.member_id = "group", 3, "member"
    made.coordinator_id, made._coordinator_dead_fut = 1, asyncio.Future()
    made._rejoin_needed_fut = asyncio.Future()
    made._send_req = answer
    return made


@pytest.mark.parametrize(
    ("error", "accepted", "proves"),
    [
        (errors.NoError, True, True),
        (errors.RebalanceInProgressError, True, False),
        (errors.IllegalGenerationError, False, False),
        (errors.UnknownMemberIdError, False, False),
    ],
)
async def test_what_proves_ownership(
    error: type[errors.BrokerResponseError], accepted: bool, proves: bool
) -> None:
    coordinator, noted = _coordinator(error), list[float]()
    note_heartbeats(coordinator, noted.append)
    before = since_boot()
    assert await coordinator._do_heartbeat() is accepted
    assert len(noted) == proves
    assert all(before <= sent <= since_boot() for sent in noted)


async def test_none_is_proof_until_it_has_joined_again() -> None:
    coordinator, noted = _coordinator(errors.NoError), list[float]()
    note_heartbeats(coordinator, noted.append)
    coordinator.request_rejoin()
    assert await coordinator._do_heartbeat()
    assert noted == []
    coordinator._rejoin_needed_fut = asyncio.Future()
    assert await coordinator._do_heartbeat()
    assert len(noted) == 1
