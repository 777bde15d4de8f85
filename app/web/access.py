"""Which clients may ask: by API keys (reliability, Security).

Keys are kept as SHA-256 digests and compared in constant time. What a client sends is never sent
on to another worker: workers prove to each other what they know (`app/proofs.py`).
"""

import hmac
from collections.abc import Sequence

from app.keys import EVERYTHING, ApiKey, KeyFailure, Scope, digest, parse_keys
from app.settings import Settings

_SCHEME = "bearer"


class Access:
    """The keys of one worker."""

    def __init__(self, api_key: str | None, keys: Sequence[ApiKey] = ()) -> None:
        """`api_key` opens everything; `keys`: more of them.

        Without any key every client may ask (on loopback alone: settings see to that).
        """
        self._keys = list(keys)
        if api_key is not None:
            self._keys.append(ApiKey(digest(api_key), EVERYTHING))

    @classmethod
    def of(cls, settings: Settings) -> "Access":
        """Take the keys from the settings."""
        api_key = settings.api_key.get_secret_value() if settings.api_key else None
        keys = parse_keys(settings.api_keys.get_secret_value()) if settings.api_keys else ()
        return cls(api_key, keys)

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

    def failure(self, authorization: str | None) -> KeyFailure:
        """Say why an `Authorization` header opens nothing."""
        if authorization is None:
            return KeyFailure.MISSING
        scheme, _, key = authorization.partition(" ")
        well_formed = scheme.lower() == _SCHEME and key.strip()
        return KeyFailure.UNKNOWN if well_formed else KeyFailure.MALFORMED
