"""What every question of another worker goes through: it proves the group's key, and so we answer.

See `app/proofs.py`. A question is answered only where its proof fits this worker's own URL, its
method, path, query and body, and its time; an answer, be it an error, proves itself to that one
question.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from app.keys import KeyFailure
from app.proofs import HEADER, Answer, ProofError, Proofs, Question, digest
from app.web.peers import PREFIX
from app.web.problems import ProblemError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_PROVEN = web.RequestKey("proven", str)
# A larger body is digested beside the event loop.
_LARGE = 1024 * 1024
_SAID = {
    KeyFailure.PEER_MISSING: "only workers of this group may ask here",
    KeyFailure.PEER_MALFORMED: "only workers of this group may ask here",
    KeyFailure.PEER_TIME: "the clock of who asks differs from this worker's by more than a minute",
    KeyFailure.PEER_PROOF: "the proof does not fit this question to this worker: is `peer_key` the "
    "same for all workers?",
}


def prove_peers(
    proofs: Proofs, own_url: Callable[[], str], failed: Callable[[KeyFailure], None]
) -> Middleware:
    """Make the middleware that answers workers alone; to be inside of what bounds bodies."""

    @web.middleware
    async def prove(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_peers(request) and proofs.can:
            given = request.headers.get(HEADER, "")
            body = await request.read()
            question = Question(request.method, own_url(), request.raw_path, body)
            try:
                proofs.check_question(given, question)
            except ProofError as error:
                failed(error.reason)
                raise ProblemError(403, _SAID[error.reason], "not-a-peer") from None
            request[_PROVEN] = given
        return await handler(request)

    return prove


def sign_answers(proofs: Proofs) -> Middleware:
    """Make the middleware that proves answers to proven questions; outside of `answer_errors`."""

    @web.middleware
    async def sign(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        asked = request.get(_PROVEN)
        if asked is not None and isinstance(response, web.Response):
            proven = await answer_of(response)
            response.headers[HEADER] = proofs.of_answer(asked, proven)
        return response

    return sign


def is_peers(request: web.Request) -> bool:
    """Whether a request is for a path of questions between workers."""
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical.startswith(f"{PREFIX}/")


async def answer_of(response: web.Response) -> Answer:
    """Give what the proof of an answer is of."""
    headers, body = response.headers, response.body
    held = body if isinstance(body, bytes) else b""
    return Answer(
        response.status,
        headers.get("Content-Type", ""),
        headers.get("Retry-After", ""),
        digest(held) if len(held) < _LARGE else await asyncio.to_thread(digest, held),
    )
