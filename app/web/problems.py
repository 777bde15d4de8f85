"""Errors as answers: `application/problem+json` (RFC 9457), all of them in one form."""

import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from models.answers import Problem, Readiness
from models.encoding import encode

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 1
"""Seconds that a client is asked to wait after a 503."""
_PREFIX = "urn:problem-type:streamjoin:"


class ProblemError(Exception):
    """An error that a client is told of; `kind` names it for programs."""

    def __init__(
        self,
        status: int,
        detail: str,
        kind: str | None = None,
        *,
        parameter: str | None = None,
        readiness: Readiness | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`kind`: last part of the problem's type; None for what the status says already."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        title = HTTPStatus(status).phrase if kind is None else kind.replace("-", " ").capitalize()
        self.problem = Problem(
            type="about:blank" if kind is None else _PREFIX + kind,
            title=title,
            status=status,
            detail=detail,
            parameter=parameter,
            readiness=readiness,
        )
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """Give the answer."""
        return web.Response(
            body=encode(self.problem),
            status=self.status,
            headers=self.headers,
            content_type=MEDIA_TYPE,
        )


def bad_parameter(name: str, detail: str) -> ProblemError:
    """Give the 422 that names a parameter."""
    return ProblemError(422, f"{name}: {detail}", "bad-parameter", parameter=name)


def unavailable(kind: str, detail: str, readiness: Readiness | None = None) -> ProblemError:
    """Give the 503 with its reason; the client may ask again after `RETRY_AFTER` seconds."""
    headers = {"Retry-After": str(RETRY_AFTER)}
    return ProblemError(503, detail, kind, readiness=readiness, headers=headers)


def not_owner(number: int) -> ProblemError:
    """Give the 421 of a worker that a peer has asked for a partition that it does not own."""
    return ProblemError(421, f"partition {number} is not assigned to this worker", "not-owner")


def too_large() -> ProblemError:
    """Give the 413 of a body beyond the limit."""
    return ProblemError(413, "a request's body may have 64 KiB at most")


def finished(response: web.StreamResponse) -> web.StreamResponse:
    """Let nobody keep an answer, unless it says more of that itself, or guess what it is."""
    response.headers["Server"] = "streamjoin"
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


_DETAILS = {
    404: "there is nothing at this path",
    405: "only GET is answered here",
    417: "of `Expect` only 100-continue is understood",
}


def of_status(error: web.HTTPException) -> ProblemError:
    """Give aiohttp's own error in our form."""
    allow = error.headers.get("Allow")
    headers = {"Allow": allow} if allow else None
    detail = _DETAILS.get(error.status, error.reason)
    return ProblemError(error.status, detail, headers=headers)


def of_bug(error: Exception) -> ProblemError:
    """Give the 500 of an unexpected error, and log where it arose.

    The error's own message is not logged: it may quote a user's data.
    """
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("an HTTP request failed with %s\n%s", type(error).__name__, where)
    return ProblemError(500, "the request failed by an error in the service; its log has more")
