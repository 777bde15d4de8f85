"""Questions from worker to worker.

They go only to URLs from the group's own metadata, to paths that are answered from the asked
worker's own state and never passed on (so a question makes one hop at most), with the peers' own
credential, a time-out, a size limit and no redirects. Nothing of the client's headers goes along.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from app.web.access import PEER_HEADER
from app.web.silence import Silence

log = logging.getLogger(__name__)
TIMEOUT = 2.0
"""Seconds for a question to another worker, connecting included."""
MAX_BYTES = 64 * 1024 * 1024
PREFIX = "/internal"
"""What precedes the path of a question between workers."""
_CONNECTIONS = 32


class PeerError(Exception):
    """Another worker did not answer as it should; the message has no address in it.

    `gone`: nobody listens there, or it says that the partition is not its own: the group's
    metadata may be newer by now.
    """

    def __init__(self, message: str, *, gone: bool = False) -> None:
        """See the class."""
        super().__init__(message)
        self.gone = gone


class PeerAnswer(NamedTuple):
    """What another worker answered."""

    status: int
    content_type: str
    body: bytes
    retry_after: str | None


class Peers:
    """The client side of one worker."""

    def __init__(self, credential: str | None) -> None:
        """`credential`: the group's; None where none is needed."""
        self._headers = {} if credential is None else {PEER_HEADER: credential}
        self._session: aiohttp.ClientSession | None = None
        self._refused: set[str] = set()
        self._silence = Silence()

    async def get(self, url: str, path: str, parameters: Mapping[str, str | int]) -> PeerAnswer:
        """Ask the worker at `url`; `path`: one of ours, with nothing in it. Raises PeerError."""
        return await self._ask("GET", url, path, params=parameters)

    async def post(self, url: str, path: str, body: bytes) -> PeerAnswer:
        """Ask a question that does not fit into a path. Raises PeerError."""
        return await self._ask("POST", url, path, data=body)

    async def _ask(self, method: str, url: str, path: str, **how: Any) -> PeerAnswer:  # noqa: ANN401
        if urlsplit(url).scheme not in ("http", "https"):
            raise PeerError("the owner's advertised URL is not one of HTTP")
        if not self._silence.may_ask(url, TIMEOUT):
            raise PeerError(_silent())
        asked = time.monotonic()
        try:
            answer = await self._answer(method, f"{url}{PREFIX}{path}", **how)
        except TimeoutError as error:
            self._silence.in_vain(url, asked, TIMEOUT)
            raise PeerError(_silent()) from error
        except PeerError:
            self._silence.ended(url)
            raise
        self._silence.ended(url)
        self._check(url, answer)
        return answer

    async def _answer(self, method: str, target: str, **how: Any) -> PeerAnswer:  # noqa: ANN401
        """Ask, and take the answer as it is. Raises TimeoutError and PeerError."""
        asking = self._open().request(method, target, allow_redirects=False, **how)
        try:
            async with asking as response:
                return PeerAnswer(
                    response.status,
                    response.content_type,
                    await _bounded(response),
                    response.headers.get("Retry-After"),
                )
        except aiohttp.ClientConnectorError as error:
            raise PeerError("the worker that owns it cannot be reached", gone=True) from error
        except TimeoutError:
            raise
        except (aiohttp.ClientError, ValueError) as error:
            raise PeerError("the worker that owns it broke off its answer") from error

    def _check(self, url: str, answer: PeerAnswer) -> None:
        if answer.status == 421:
            raise PeerError("no worker says that it owns it: the group is rebalancing", gone=True)
        if answer.status in (401, 403):
            if url not in self._refused:
                self._refused.add(url)
                log.error("the worker at %s refuses this one's peer credential", url)
            raise PeerError("the worker that owns it refuses this one's peer credential")
        if answer.status not in (200, 422, 503):
            raise PeerError(f"the worker that owns it answered with status {answer.status}")
        self._refused.discard(url)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                connector=aiohttp.TCPConnector(limit_per_host=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _silent() -> str:
    return f"the worker that owns it did not answer in {TIMEOUT:g} s"


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            response.close()
            raise ValueError("the answer is too large")
    return bytes(body)
