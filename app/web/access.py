"""Who may ask: API keys for clients, one credential for peers (reliability, Security).

Keys are kept as SHA-256 digests and compared in constant time. What a client sends is never sent
on to another worker: peers have a credential of their own.
"""

import hashlib
import hmac
from collections.abc import Sequence

from app.keys import EVERYTHING, ApiKey, Scope, digest, parse_keys
from app.settings import Settings

PEER_HEADER = "X-Streamjoin-Peer"
_SCHEME = "bearer"


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

    def __init__(
        self, api_key: str | None, peer_key: str | None, keys: Sequence[ApiKey] = ()
    ) -> None:
        """`api_key` opens everything; `keys`: more of them.

        Without any key every client may ask (on loopback alone: settings see to that).
        """
        self._keys = list(keys)
        if api_key is not None:
            self._keys.append(ApiKey(digest(api_key), EVERYTHING))
        self.credential = peer_credential(api_key, peer_key)

    @classmethod
    def of(cls, settings: Settings) -> "Access":
        """Take the keys from the settings."""
        api_key = settings.api_key.get_secret_value() if settings.api_key else None
        peer_key = settings.peer_key.get_secret_value() if settings.peer_key else None
        keys = parse_keys(settings.api_keys.get_secret_value()) if settings.api_keys else ()
        return cls(api_key, peer_key, keys)

    def scopes(self, authorization: str | None) -> frozenset[Scope]:
        """Give what an `Authorization` header opens; nothing for a key that is not known."""
        if not self._keys:
            return EVERYTHING
        scheme, _, key = (authorization or "").partition(" ")
        given = digest(key.strip())
        found = [held.scopes for held in self._keys if hmac.compare_digest(held.digest, given)]
        if scheme.lower() != _SCHEME:
            return frozenset()
        return frozenset(scope for scopes in found for scope in scopes)

    def allows(self, authorization: str | None, scope: Scope) -> bool:
        """Whether an `Authorization` header opens a scope."""
        return scope in self.scopes(authorization)

    def is_peer(self, credential: str | None) -> bool:
        """Whether a peer header's value is the group's credential."""
        if self.credential is None:
            return True
        return hmac.compare_digest(digest(self.credential), digest(credential or ""))
