"""Bearer tokens by which clients get in (SASL OAUTHBEARER): where they come from, and for how long.

A token serves all clients of a `Cluster`: it is fetched for the first connection and again before
it expires. aiokafka does not authenticate a connection anew (KIP-368): a broker with
`connections.max.reauth.ms` ends it when its token is over, and the client connects with the next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from aiokafka import conn
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError, SaslAuthenticationFailed

_USED_UP: Final = 0.8
"""The part of its life after which a token is fetched anew, as Kafka's own clients do."""
_PAUSE: Final = 1.0
"""Seconds after a failure in which nobody asks again."""


class TokenError(KafkaError):  # type: ignore[misc]
    """No token can be had; one line without secrets. To aiokafka a connection that fails."""


class TokenRefusedError(TokenError):
    """The provider does not give one to this client: a setting is wrong."""


class Token(NamedTuple):
    """A token, and for how many seconds it is valid from now."""

    text: str
    seconds: float


class _Authenticator(conn.OAuthAuthenticator):  # type: ignore[misc]
    """Sees that a broker has refused the token.

    It says so by a challenge (RFC 7628, 3.2.2), which aiokafka's own takes for success; the next
    request would be answered without any content.
    """

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        """Give the next message, or None at the end. Raises SaslAuthenticationFailed."""
        if payload:
            raise SaslAuthenticationFailed("the broker does not take the token")
        step: tuple[bytes, bool] | None = await super().step(payload)
        return step


class TokenCache(AbstractTokenProvider):  # type: ignore[misc]
    """Gives clients of any event loop a token that is valid, asking `fetch` as seldom as it can.

    A token that is about to expire is given while it is valid, if no newer one can be had.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Token]]) -> None:
        """`fetch`: raises TokenError."""
        conn.OAuthAuthenticator = _Authenticator
        self._fetch = fetch
        self._token = ""
        self._renewed_from = self._valid_until = self._asked_from = 0.0
        self._failure = TokenError("no token yet")
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._locks = WeakKeyDictionary()

    async def token(self) -> str:
        """Give a valid token. Raises TokenError."""
        # Loops have locks of their own: at worst each of them fetches one.
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            now = time.monotonic()
            if now >= self._renewed_from and now >= self._asked_from:
                await self._renew()
            if time.monotonic() < self._valid_until:
                return self._token
            raise self._failure

    async def _renew(self) -> None:
        asked = time.monotonic()
        try:
            found = await self._fetch()
        except TokenError as error:
            self._failure, self._asked_from = error, time.monotonic() + _PAUSE
            return
        self._token = found.text
        self._renewed_from = asked + _USED_UP * found.seconds
        # One that is over at once is good for the connection that it was fetched for.
        self._valid_until = max(asked + found.seconds, time.monotonic() + _PAUSE)
