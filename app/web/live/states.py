"""What a view shows at some moment, ready to be sent."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

from models.answers import Answer, Problem
from models.encoding import encode

PROBLEM = "problem"
"""Type of the event that says why a view cannot be shown."""


class State(NamedTuple):
    """A view's answer as JSON in one line; `digest` tells it from every other state of the view.

    `problem`: it is the reason why there is no answer.
    """

    body: bytes
    digest: str
    problem: bool = False


def digest_of(body: bytes) -> str:
    """Give eight URL-safe characters that another body has with a chance of 2**-48."""
    return urlsafe_b64encode(blake2b(body, digest_size=6).digest()).decode()


def shown(answer: Answer) -> State:
    """Give the state of an answer."""
    return stated(encode(answer))


def stated(body: bytes) -> State:
    """Give the state of an answer's JSON."""
    return State(body, digest_of(body))


def failed(problem: Problem) -> State:
    """Give the state of a view that cannot be read."""
    body = encode(problem)
    return State(body, digest_of(body), problem=True)
