"""Answers about one user: from this worker's state, or from the owner's."""

import asyncio

from aiohttp import web

from app.producer.partitioners import by_key
from app.web.peers import PeerAnswer, PeerError, Peers
from app.web.problems import ProblemError, unavailable
from app.web.user_reads import UserReads
from app.web.user_view import Selection, UserView

# Between looking up the owner and looking it up again.
_PAUSE = 0.1


class Users:
    """Finds a user's owner and answers, or has the owner answer."""

    def __init__(self, reads: UserReads, peers: Peers) -> None:
        """`reads`: of this worker's own state."""
        self._reads = reads
        self._membership = reads.membership
        self._peers = peers

    def partition(self, user_id: str) -> int:
        """Give the user's partition, as the producer chose it."""
        return by_key(user_id.encode(), self._membership.partitions)

    async def here(self, view: UserView, user_id: str, wanted: Selection) -> web.Response:
        """Answer from this worker's state. Raises ProblemError where it must not."""
        body = await self._reads.read(self.partition(user_id), view, user_id, wanted)
        return web.Response(body=body, content_type="application/json")

    async def anywhere(self, view: UserView, user_id: str, wanted: Selection) -> web.Response:
        """Answer here, or pass on the owner's answer.

        Raises ProblemError 503 while the owner is recovering, unknown or silent.
        """
        try:
            return await self._once(view, user_id, wanted)
        except PeerError as error:
            if not error.gone:
                raise self._silent(user_id, error) from error
        except ProblemError as error:
            if error.status != 421:
                raise
        await asyncio.sleep(_PAUSE)
        try:
            return await self._once(view, user_id, wanted)
        except PeerError as error:
            raise self._silent(user_id, error) from error
        except ProblemError as error:
            if error.status == 421:
                raise self._unknown(user_id) from error
            raise

    async def _once(self, view: UserView, user_id: str, wanted: Selection) -> web.Response:
        number = self.partition(user_id)
        owner = self._membership.owners().get(number)
        if owner is None and not self._membership.owns(number):
            raise self._unknown(user_id)
        if owner in (None, self._membership.url) or self._membership.owns(number):
            return await self.here(view, user_id, wanted)
        (low, high), limit = wanted
        parameters: dict[str, str | int] = {
            "user_id": user_id,
            "low": low,
            "high": high,
            "limit": limit,
        }
        return passed_on(await self._peers.get(owner, f"/v1/users/{view.name}", parameters))

    def _unknown(self, user_id: str) -> ProblemError:
        number = self.partition(user_id)
        return unavailable(
            "owner-unknown", f"partition {number} has no owner yet: the group is rebalancing"
        )

    def _silent(self, user_id: str, error: PeerError) -> ProblemError:
        return unavailable(error.kind, f"partition {self.partition(user_id)}: {error}")


def passed_on(answer: PeerAnswer) -> web.Response:
    """Give a peer's answer as this worker's own."""
    headers = {"Retry-After": answer.retry_after} if answer.retry_after else None
    return web.Response(
        body=answer.body,
        status=answer.status,
        headers=headers,
        content_type=answer.content_type,
    )
