"""Views of users whose partitions other workers own, asked of the owners at a bounded rate.

One question per owner and `PAUSE` at most, whatever the number of clients: it holds all views
that are wanted of that owner, and what is known of them, and brings those that differ. Polling
rather than a standing subscription: each answer passes the owner's own check of its membership,
nothing has to be undone when partitions move, and an owner that has died is one question without
an answer.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from app.web.live.states import State
from app.web.live.user_states import UserStates, Watched
from app.web.parameters import checked_user
from app.web.peers import PeerError, Peers
from app.web.problems import ProblemError, bad_parameter, unavailable
from app.web.user_view import Selection
from app.web.user_views import USER_VIEWS

PATH = "/v1/live/users"
PAUSE = 0.5
"""Seconds between two questions to one owner."""
# A question's body is bounded by the guard, and an answer should not take long.
_MOST_BYTES, _MOST_VIEWS = 48 * 1024, 100
_MOST_OWNERS = 64
# Views that are read without giving way to commits in between.
_AT_ONCE = 10
_VIEWS = {view.name: view for view in USER_VIEWS}


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """A view that a peer wants; `known`: digest of what it has, empty for nothing."""

    view: str
    user_id: str
    limit: int
    known: str


class Found(msgspec.Struct, frozen=True, array_like=True):
    """The answer: `body` and `digest`, both empty where it is as known; or why there is none."""

    body: str = ""
    digest: str = ""
    status: int = 200
    kind: str | None = None
    detail: str = ""


_decode_wanted = msgspec.json.Decoder(list[Wanted]).decode
_decode_found = msgspec.json.Decoder(list[Found]).decode


async def answer_peer(states: UserStates, body: bytes) -> bytes:
    """Answer another worker's question from this worker's own state."""
    try:
        wanted = _decode_wanted(body)
    except msgspec.MsgspecError:
        raise bad_parameter("body", "is not a list of wanted views") from None
    found = []
    for number, one in enumerate(wanted, 1):
        found.append(await _find(states, one))
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return msgspec.json.encode(found)


async def _find(states: UserStates, wanted: Wanted) -> Found:
    try:
        view = _VIEWS.get(wanted.view)
        if view is None:
            raise bad_parameter("view", "is not a view of users")
        user = checked_user(wanted.user_id.encode())
        state = await states.get(Watched(view, user, Selection(limit=wanted.limit)))
    except ProblemError as error:
        return Found(status=error.status, kind=error.kind, detail=error.problem.detail)
    if state.digest == wanted.known:
        return Found()
    return Found(state.body.decode(), state.digest)


class _Open(NamedTuple):
    """A view that is wanted and not there yet; `known`: what the asker has of it."""

    wanted: Wanted
    known: State | None
    future: "asyncio.Future[State]"


class _Owner:
    """What is wanted of one owner and not yet asked for."""

    def __init__(self) -> None:
        self.waiting: list[_Open] = []
        self.task: asyncio.Task[None] | None = None
        self.last = float("-inf")


class PeerStates:
    """Asks owners for their users' views."""

    def __init__(self, peers: Peers) -> None:
        """See the module."""
        self._peers = peers
        self._owners: dict[str, _Owner] = {}

    async def get(self, url: str, watched: Watched, known: State | None) -> State:
        """Give a view as its owner at `url` has it, with the next question to it.

        Raises PeerError, and ProblemError with the owner's reason.
        """
        if url not in self._owners and len(self._owners) >= _MOST_OWNERS:
            self._owners = {at: owner for at, owner in self._owners.items() if owner.task}
        owner = self._owners.setdefault(url, _Owner())
        digest = "" if known is None or known.problem else known.digest
        wanted = Wanted(watched.view.name, watched.user_id, watched.wanted.limit, digest)
        future: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        owner.waiting.append(_Open(wanted, known, future))
        if owner.task is None:
            owner.task = asyncio.create_task(self._ask(url, owner), name="live views of a peer")
        return await future

    async def _ask(self, url: str, owner: _Owner) -> None:
        """Ask until nothing is wanted any more."""
        try:
            while owner.waiting:
                await asyncio.sleep(max(owner.last + PAUSE - time.monotonic(), 0))
                owner.last = time.monotonic()
                waiting = [one for one in owner.waiting if not one.future.done()]
                owner.waiting = []
                for some in _questions(waiting):
                    await self._question(url, some)
        finally:
            owner.task = None

    async def _question(self, url: str, asked: list[_Open]) -> None:
        try:
            body = msgspec.json.encode([one.wanted for one in asked])
            answer = await self._peers.post(url, PATH, body)
            if answer.status != 200:
                raise PeerError(f"the worker that owns it answered with status {answer.status}")
            found = _decode_found(answer.body)
            if len(found) != len(asked):
                raise PeerError("the worker that owns it answered something else")
        except Exception as error:
            raised = error if isinstance(error, PeerError) else PeerError("its answer is not one")
            for one in asked:
                if not one.future.done():
                    one.future.set_exception(raised)
            return
        for one, answered in zip(asked, found, strict=True):
            if not one.future.done():
                _settle(one, answered)


def _questions(waiting: list[_Open]) -> Iterator[list[_Open]]:
    """Split what is wanted into questions that are small enough."""
    some: list[_Open] = []
    size = 0
    for one in waiting:
        length = len(msgspec.json.encode(one.wanted)) + 1
        if some and (size + length > _MOST_BYTES or len(some) >= _MOST_VIEWS):
            yield some
            some, size = [], 0
        some.append(one)
        size += length
    if some:
        yield some


def _settle(one: _Open, found: Found) -> None:
    if found.status != 200:
        one.future.set_exception(ProblemError(found.status, found.detail, found.kind))
    elif found.digest:
        one.future.set_result(State(found.body.encode(), found.digest))
    elif one.known is not None:
        one.future.set_result(one.known)
    else:
        one.future.set_exception(unavailable("owner-silent", "the owner did not say what it holds"))
