"""API keys and what each opens, as the setting `api_keys` names them (reliability, Security)."""

import hashlib
import re
from enum import StrEnum
from typing import Final, NamedTuple


class Scope(StrEnum):
    """What a key opens: `read`: views and the page; `metrics`: /metrics; `admin`: everything."""

    READ = "read"
    ADMIN = "admin"
    METRICS = "metrics"


EVERYTHING: Final = frozenset(Scope)
MIN_CHARACTERS: Final = 16
"""Characters of a key at least: a shorter one can be guessed, from one proof that was seen."""
_HASHED: Final = "sha256:"


class KeyFailure(StrEnum):
    """Why a key opened nothing, or another worker was not trusted."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    SCOPE = "scope"
    PEER_MISSING = "peer-missing"
    PEER_MALFORMED = "peer-malformed"
    PEER_TIME = "peer-time"
    PEER_PROOF = "peer-proof"
    PEER_ADVERTISEMENT = "peer-advertisement"
    PEER_ANSWER = "peer-answer"


class ApiKey(NamedTuple):
    """A key by its SHA-256, which is all that is kept of it."""

    digest: bytes
    scopes: frozenset[Scope]


def digest(key: str) -> bytes:
    """Give the SHA-256 of a key's UTF-8 bytes."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def check_length(name: str, key: str) -> None:
    """Raise ValueError for a key that can be guessed; `name`: of the setting it stands in."""
    if len(key) < MIN_CHARACTERS:
        raise ValueError(
            f"{name} is shorter than {MIN_CHARACTERS} characters: make one with "
            "`openssl rand -hex 32`, or leave it out"
        )


def parse_keys(text: str) -> list[ApiKey]:
    """Read `SCOPE[+SCOPE]:KEY`, several with commas or space between them.

    KEY may be `sha256:HEX` in place of the key itself. Raises ValueError with one line that says
    which of them is wrong, by its number: nothing of a key is repeated.
    """
    given = re.split(r"[\s,]+", text.strip(" \t\r\n,"))
    return [_parse(number, entry) for number, entry in enumerate(given, 1)]


def _parse(number: int, entry: str) -> ApiKey:
    names, _, key = entry.partition(":")
    scopes = set(names.split("+"))
    if not key or not scopes <= set(Scope):
        raise ValueError(
            f"api_keys, number {number}: must be SCOPE:KEY, its scope read, metrics, admin, or "
            "several with + between them"
        )
    if key.startswith(_HASHED):
        key = key.removeprefix(_HASHED)
        if not re.fullmatch(r"[0-9a-fA-F]{64}", key):
            raise ValueError(f"api_keys, number {number}: sha256: takes 64 hexadecimal digits")
        return ApiKey(bytes.fromhex(key), _opened(scopes))
    check_length(f"api_keys, number {number}: its key", key)
    return ApiKey(digest(key), _opened(scopes))


def _opened(names: set[str]) -> frozenset[Scope]:
    scopes = frozenset(map(Scope, names))
    return EVERYTHING if Scope.ADMIN in scopes else scopes
