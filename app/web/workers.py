"""The group's workers, as one of them sees them: each is asked what it does."""

import asyncio
from collections.abc import Callable
from typing import Literal

from aiohttp import web
from pydantic import ValidationError

from app.engine.engine import Engine
from app.web.health import Health
from app.web.membership import Membership
from app.web.peers import PREFIX, PeerError, Peers
from models.answers import PartitionProgress
from models.encoding import encode
from models.workers import PartitionState, WorkerItem, Workers, WorkerState

_PATH = "/v1/worker"


def own_state(engine: Engine, health: Health) -> WorkerState:
    """Say what this worker does."""
    readiness = health.readiness(details=False)
    moving = {found.partition: found for found in health.moving()}
    lags: dict[int, dict[str, int]] = {number: {} for number in sorted(engine.assigned)}
    for topic, number, lag in engine.lags():
        lags.setdefault(number, {})[topic] = lag
    return WorkerState(
        ready=readiness.ready,
        reasons=readiness.reasons,
        partitions=[
            _partition(number, lag, moving.get(number), _state(engine, number))
            for number, lag in lags.items()
        ],
        standbys=sorted(engine.standbys.numbers),
    )


def _state(engine: Engine, number: int) -> Literal["running", "recovering", "standing"]:
    if number in engine.tasks:
        return "running"
    return "standing" if number in engine.gaps else "recovering"


def _partition(
    number: int,
    lag: dict[str, int],
    found: PartitionProgress | None,
    state: Literal["running", "recovering", "standing"],
) -> PartitionState:
    return PartitionState(
        partition=number,
        state=state,
        lag=lag,
        progress=found.state if found else None,
        lag_seconds=found.lag_seconds if found else None,
    )


class GroupView:
    """Asks all workers at once."""

    def __init__(self, group: Membership, peers: Peers, own: Callable[[], WorkerState]) -> None:
        """`own`: what this worker says of itself."""
        self._group = group
        self._peers = peers
        self._own = own

    def routes(self) -> list[web.RouteDef]:
        """Give the paths of clients and of peers."""
        return [
            web.get("/v1/workers", self._workers),
            web.get(f"{PREFIX}{_PATH}", self._here),
        ]

    async def look(self) -> Workers:
        """Give what all workers say, and the partitions that none of them runs."""
        members = {self._group.url: [], **self._group.members()}
        items = await asyncio.gather(*(self._item(*one) for one in sorted(members.items())))
        run = {one.partition for item in items for one in item.partitions if one.state == "running"}
        missing = [number for number in range(self._group.partitions) if number not in run]
        return Workers(workers=items, complete=not missing, missing=missing)

    async def _item(self, url: str, assigned: list[int]) -> WorkerItem:
        shown = self._peers.shown(url)
        if url == self._group.url:
            return _said(shown, self._own())
        try:
            answer = await self._peers.get(url, _PATH, {})
            # A newer worker may say more than this one knows.
            return _said(shown, WorkerState.model_validate_json(answer.body, extra="ignore"))
        except (PeerError, ValidationError) as error:
            reason = str(error) if isinstance(error, PeerError) else "its answer is not one"
            lost = [_unknown(number) for number in assigned]
            return WorkerItem(
                url=shown, state="unreachable", reasons=[reason], partitions=lost, standbys=[]
            )

    async def _workers(self, request: web.Request) -> web.StreamResponse:
        return _answered(encode(await self.look()))

    async def _here(self, request: web.Request) -> web.StreamResponse:
        return _answered(encode(self._own()))


def _unknown(number: int) -> PartitionState:
    return PartitionState(
        partition=number, state="unknown", lag={}, progress=None, lag_seconds=None
    )


def _said(url: str, state: WorkerState) -> WorkerItem:
    return WorkerItem(
        url=url,
        state="ready" if state.ready else "not-ready",
        reasons=state.reasons,
        partitions=state.partitions,
        standbys=state.standbys,
    )


def _answered(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
