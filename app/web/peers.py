"""Questions from worker to worker.

They go only to URLs from the group's own metadata that are proven there, to paths that are answered
from the asked worker's own state and never passed on (so a question makes one hop at most), with a
proof in place of a key, a time-out, a size limit and no redirects. Nothing of the client's headers
goes along. Only answers that are proven and JSON are taken. `app/proofs.py` says what a proof is.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import aiohttp
from yarl import URL

from app.keys import KeyFailure
from app.proofs import HEADER, Answer, Proofs, Question, digest
from app.web.late import LATE, Head, unpack
from app.web.problems import MEDIA_TYPE
from app.web.silence import Silence
from app.web.tls import ServerTls

log = logging.getLogger(__name__)
TIMEOUT = 2.0
"""Seconds until another worker is connected, and from then on from one sign of it to the next."""
LONGEST = 60.0
"""Seconds until an answer must be whole, however much of it comes."""
PREFIX = "/internal"
"""What precedes the path of a question between workers."""
_CONNECTIONS = 32
# Workers that are not trusted and were logged.
_MOST_NAMED = 64
_RETRY_AFTER = re.compile(r"[0-9]{1,4}", re.ASCII)
_TYPES = {200: "application/json", 422: MEDIA_TYPE, 503: MEDIA_TYPE}


class PeerError(Exception):
    """Another worker did not answer as it should; the message has no address in it.

    `kind`: last part of the type of the problem that a client is told. `gone`: nobody listens
    there, or it says that the partition is not its own: the group's metadata may be newer by now.
    """

    def __init__(self, message: str, kind: str = "owner-silent", *, gone: bool = False) -> None:
        """See the class."""
        super().__init__(message)
        self.kind = kind
        self.gone = gone


class PeerAnswer(NamedTuple):
    """What another worker answered."""

    status: int
    content_type: str
    body: bytes
    retry_after: str | None


class Peers:
    """The client side of one worker. Workers are named as the group's metadata advertises them."""

    def __init__(
        self,
        proofs: Proofs,
        failed: Callable[[KeyFailure], None],
        most_bytes: int,
        tls: ServerTls | None = None,
    ) -> None:
        """`failed`: told of workers that do not prove who they are; `most_bytes`: of an answer.

        `tls`: whom to trust, and what to show; None: the system's authorities, and nothing.
        """
        self._proofs = proofs
        self._most_bytes = most_bytes
        self._failed = failed
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._named: set[str] = set()
        self._distrusted: dict[str, float] = {}
        self._silence = Silence()

    async def get(
        self, advertised: str, path: str, parameters: Mapping[str, str | int]
    ) -> PeerAnswer:
        """Ask a worker; `path`: one of ours, with nothing in it. Raises PeerError."""
        asked = URL.build(path=PREFIX + path, query=parameters)
        return await self._ask(self._question("GET", advertised, str(asked), b""))

    async def post(self, advertised: str, path: str, body: bytes) -> PeerAnswer:
        """Ask a question that does not fit into a path. Raises PeerError."""
        return await self._ask(self._question("POST", advertised, PREFIX + path, body))

    def shown(self, advertised: str) -> str:
        """Give the URL that people are shown, proven or not."""
        return self._proofs.url_of(advertised) or advertised

    def _question(self, method: str, advertised: str, path: str, body: bytes) -> Question:
        url = self._proofs.url_of(advertised)
        if url is not None:
            return Question(method, url, path, body)
        if not self._proofs.can:
            raise PeerError(
                "the worker that owns it is not on loopback: without keys no other is asked",
                "owner-unproven",
            )
        self._failed(KeyFailure.PEER_ADVERTISEMENT)
        self._name(advertised)
        raise PeerError(
            "the worker that owns it has not proven that it holds the group's key (`peer_key`)",
            "owner-unproven",
        )

    def _name(self, worker: str) -> None:
        """Log a worker that is not trusted, once."""
        if worker not in self._named and len(self._named) < _MOST_NAMED:
            self._named.add(worker)
            log.error("the worker at %.200r does not prove that it holds this group's key", worker)

    async def _ask(self, question: Question) -> PeerAnswer:
        url = question.url
        asked = time.monotonic()
        if self._distrusted.get(url, 0.0) > asked:
            raise _unproven()
        if not self._silence.may_ask(url, TIMEOUT):
            raise PeerError(_silent())
        try:
            answer = await self._answer(question)
        except TimeoutError as error:
            self._silence.in_vain(url, asked, TIMEOUT)
            raise PeerError(_silent()) from error
        except PeerError:
            self._silence.ended(url)
            raise
        self._silence.ended(url)
        return _checked(answer)

    async def _answer(self, question: Question) -> PeerAnswer:
        """Ask, and take the answer if it is proven. Raises TimeoutError and PeerError."""
        proof = self._proofs.of_question(question)
        asking = self._open().request(
            question.method,
            URL(question.url + question.path, encoded=True),
            headers={} if proof is None else {HEADER: proof},
            data=question.body or None,
            allow_redirects=False,
            ssl=True if self._tls is None else self._tls.client,
        )
        try:
            async with asking as response:
                body = await self._body(response)
            head, body = _head(response, body)
        except aiohttp.ClientConnectorError as error:
            raise PeerError("the worker that owns it cannot be reached", gone=True) from error
        except aiohttp.ServerTimeoutError:
            raise
        except TimeoutError as error:
            text = f"the worker that owns it took longer than {LONGEST:g} s for its answer"
            raise PeerError(text, "owner-failed") from error
        except (aiohttp.ClientError, ValueError) as error:
            text = "the worker that owns it broke off its answer"
            raise PeerError(text, "owner-failed") from error
        return self._proven(question.url, proof, head, body)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """Give the body. Raises PeerError and TimeoutError."""
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._most_bytes:
                response.close()
                raise PeerError(
                    f"the answer has more than {self._most_bytes} bytes: ask the worker that owns "
                    "it, or have this one take more (STREAMJOIN_PEER_ANSWER_BYTES)",
                    "answer-too-large",
                )
        return bytes(body)

    def _proven(self, url: str, proof: str | None, head: Head, body: bytes) -> PeerAnswer:
        answer = Answer(head.status, head.content_type, head.retry_after, digest(body))
        if not self._proofs.is_answer(head.proof, proof, answer):
            self._failed(KeyFailure.PEER_ANSWER)
            self._name(url)
            # Somebody else may have its address by now: it is not told every question.
            self._distrusted[url] = time.monotonic() + TIMEOUT
            raise _unproven()
        self._distrusted.pop(url, None)
        self._named.discard(url)
        retry_after = head.retry_after if _RETRY_AFTER.fullmatch(head.retry_after) else None
        content_type = head.content_type.partition(";")[0].strip().lower()
        return PeerAnswer(head.status, content_type, body, retry_after)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(LONGEST, connect=TIMEOUT, sock_read=TIMEOUT),
                connector=aiohttp.TCPConnector(limit_per_host=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _silent() -> str:
    return f"the worker that owns it did not answer in {TIMEOUT:g} s"


def _unproven() -> PeerError:
    return PeerError(
        "this worker and the one that owns it do not accept each other's proofs: their keys "
        "(`peer_key`) or their clocks differ",
        "owner-unproven",
    )


def _checked(answer: PeerAnswer) -> PeerAnswer:
    """Give an answer that may be passed on. Raises PeerError for any other."""
    if answer.status == 421:
        raise PeerError("no worker says that it owns it: the group is rebalancing", gone=True)
    if answer.status not in _TYPES:
        text = f"the worker that owns it answered with status {answer.status}"
        raise PeerError(text, "owner-failed")
    if answer.content_type != _TYPES[answer.status]:
        raise PeerError("the worker that owns it answered with something else", "owner-failed")
    return answer


def _head(response: aiohttp.ClientResponse, body: bytes) -> tuple[Head, bytes]:
    """Give the real answer, late or not. Raises ValueError."""
    given = response.headers
    if given.get("Content-Type") == LATE:
        return unpack(body)
    names = ("Content-Type", "Retry-After", HEADER)
    return Head(response.status, *(given.get(name, "") for name in names)), body
