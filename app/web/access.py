"""Who may ask: API keys for clients, one credential for peers (reliability, Security).

Keys are kept as SHA-256 digests and compared in constant time. What a client sends is never sent
on to another worker: peers have a credential of their own.
"""

import hashlib
import hmac
from enum import StrEnum

from app.settings import Settings

PEER_HEADER = "X-Streamjoin-Peer"
_SCHEME = "bearer"


class Scope(StrEnum):
    """What a key opens."""

    READ = "read"
    ADMIN = "admin"
    METRICS = "metrics"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def peer_credential(api_key: str | None, peer_key: str | None) -> str | None:
    """Give what workers send each other: from `peer_key`, else derived from the API key.

    None without either: then the service is on loopback, and peers need nothing.
    """
    secret = peer_key or api_key
    if secret is None:
        return None
    return hmac.new(secret.encode(), b"streamjoin-peer", hashlib.sha256).hexdigest()


class Access:
    """The keys of one worker."""

    def __init__(self, api_key: str | None, peer_key: str | None) -> None:
        """Without an API key every client may ask (on loopback alone: settings see to that)."""
        everything = frozenset(Scope)
        self._keys = [] if api_key is None else [(_digest(api_key), everything)]
        self.credential = peer_credential(api_key, peer_key)

    @classmethod
    def of(cls, settings: Settings) -> "Access":
        """Take the keys from the settings."""
        api_key = settings.api_key.get_secret_value() if settings.api_key else None
        peer_key = settings.peer_key.get_secret_value() if settings.peer_key else None
        return cls(api_key, peer_key)

    def allows(self, authorization: str | None, scope: Scope) -> bool:
        """Whether an `Authorization` header opens a scope."""
        if not self._keys:
            return True
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != _SCHEME:
            return False
        given = _digest(key.strip())
        found = [scopes for digest, scopes in self._keys if hmac.compare_digest(digest, given)]
        return any(scope in scopes for scopes in found)

    def is_peer(self, credential: str | None) -> bool:
        """Whether a peer header's value is the group's credential."""
        if self.credential is None:
            return True
        return hmac.compare_digest(_digest(self.credential), _digest(credential or ""))
