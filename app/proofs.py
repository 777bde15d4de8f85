"""How workers prove to each other that they hold the group's key, without ever sending it.

The key is `peer_key`, else `api_key`. From it one key is derived for each purpose and each `app_id`
(HMAC-SHA256), so that a proof made for one purpose or group is none for another. Proven are the URL
that a worker advertises in the group's metadata, a question to one worker, and the answer to that
one question.

Without any key, which settings allow on loopback alone, nothing can be proven: then workers trust
who advertises a loopback URL.
"""

import hashlib
import hmac
import re
import secrets
import time
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from app.hosts import is_loopback
from app.keys import KeyFailure
from app.settings import Settings

HEADER: Final = "X-Streamjoin-Proof"
SKEW_MS: Final = 60_000
"""How far two workers' clocks may differ; so long a question that was seen can be repeated."""
_ADVERTISED: Final = "streamjoin+"
# Advertisements whose proofs are not looked at again.
_MOST_KNOWN: Final = 256
# Time in ms, nonce, MAC.
_OF_QUESTION: Final = re.compile(r"([0-9]{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)


class ProofError(Exception):
    """A question proves nothing; `reason` says why."""

    def __init__(self, reason: KeyFailure) -> None:
        """See the class."""
        super().__init__(reason.value)
        self.reason = reason


class Question(NamedTuple):
    """What a question's proof is of. `url`: the asked worker's; `path`: with its query, as sent."""

    method: str
    url: str
    path: str
    body: bytes


class Answer(NamedTuple):
    """What an answer's proof is of; `body`: see `digest`."""

    status: int
    content_type: str
    retry_after: str
    body: str


def digest(body: bytes) -> str:
    """Give the SHA-256 that stands for a body."""
    return hashlib.sha256(body).hexdigest()


class Proofs:
    """The proofs of one worker. `can`: whether it has a key to prove anything with."""

    def __init__(self, secret: str | None, app_id: str) -> None:
        """`secret`: the group's key; None where there is none."""
        self.can = secret is not None
        self._advertising = _derived(secret, app_id, "advertisement")
        self._asking = _derived(secret, app_id, "question")
        self._answering = _derived(secret, app_id, "answer")
        self.url_of = lru_cache(_MOST_KNOWN)(self._url_of)
        """Gives the URL to ask, if what is advertised is proven; without keys, if on loopback."""

    @classmethod
    def of(cls, settings: Settings) -> "Proofs":
        """Take the key from the settings."""
        given = [key.get_secret_value() for key in (settings.peer_key, settings.api_key) if key]
        return cls(next((key for key in given if key), None), settings.app_id)

    def advertised(self, url: str) -> str:
        """Give what the group's metadata says of a worker at `url`.

        The scheme is none of HTTP, so that a worker of a version without proofs does not ask there.
        """
        return f"{_ADVERTISED}{url}#{_mac(self._advertising, url)}" if self.can else url

    def _url_of(self, advertised: str) -> str | None:
        if not self.can:
            return advertised.rstrip("/") if _on_loopback(advertised) else None
        url = advertised.removeprefix(_ADVERTISED).rpartition("#")[0]
        return url if _same(self.advertised(url), advertised) else None

    def of_question(self, question: Question) -> str | None:
        """Give the header of a question that is asked now; None without keys."""
        if not self.can:
            return None
        stamp = f"{time.time() * 1000:.0f}.{secrets.token_hex(16)}"
        return f"{stamp}.{self._question_mac(stamp, question)}"

    def check_question(self, proof: str, question: Question) -> None:
        """Raise ProofError where the header of a question to this worker proves nothing."""
        if not self.can:
            return
        if not proof:
            raise ProofError(KeyFailure.PEER_MISSING)
        found = _OF_QUESTION.fullmatch(proof)
        if found is None:
            raise ProofError(KeyFailure.PEER_MALFORMED)
        at, nonce, mac = found.groups()
        if not _same(self._question_mac(f"{at}.{nonce}", question), mac):
            raise ProofError(KeyFailure.PEER_PROOF)
        if abs(time.time() * 1000 - int(at)) > SKEW_MS:
            raise ProofError(KeyFailure.PEER_TIME)

    def of_answer(self, asked: str, answer: Answer) -> str:
        """Give the header of the answer to the question whose header was `asked`."""
        given = (asked, str(answer.status), answer.content_type, answer.retry_after)
        return _mac(self._answering, *given, answer.body)

    def is_answer(self, proof: str, asked: str | None, answer: Answer) -> bool:
        """Whether an answer is the asked worker's own; without keys every one counts as such."""
        return asked is None or _same(self.of_answer(asked, answer), proof)

    def _question_mac(self, stamp: str, question: Question) -> str:
        method, url, path, body = question
        return _mac(self._asking, stamp, method, url, path, digest(body))


def _derived(secret: str | None, app_id: str, purpose: str) -> bytes:
    text = f"streamjoin {purpose} {app_id}"
    return hmac.digest((secret or "").encode(), text.encode(), "sha256")


def _mac(key: bytes, *fields: str) -> str:
    """Give the HMAC of these fields; no header, path or URL has a line break in it."""
    return hmac.digest(key, "\n".join(fields).encode("utf-8", "surrogateescape"), "sha256").hex()


def _same(ours: str, given: str) -> bool:
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "surrogateescape"))


def _on_loopback(url: str) -> bool:
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    except ValueError:
        return False
    return is_loopback(host) and scheme in ("http", "https")
