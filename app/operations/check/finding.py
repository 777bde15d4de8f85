"""What a check says."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """`WRONG`: a worker refuses to start, or would lose or never write something."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(NamedTuple):
    """`area`: what was looked at; `text`: what was found, and what to do about it."""

    area: str
    verdict: Verdict
    text: str


def ok(area: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(area, Verdict.OK, text)


def warning(area: str, text: str) -> Finding:
    """It works, with less than is promised."""
    return Finding(area, Verdict.WARNING, text)


def wrong(area: str, text: str) -> Finding:
    """It does not work."""
    return Finding(area, Verdict.WRONG, text)
