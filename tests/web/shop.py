"""A small shop whose answers can be worked out by hand."""

import json
from typing import Any

from tests.support.service import Message, keyed

PARTITIONS = 4
T0 = 1_470_034_800
"""2016-08-01T07:00:00Z, the start of a window."""
ANN, BOB = "ann/ä{x}", "bob"
"""Users of different partitions; the first needs percent-encoding."""


def at(seconds: float) -> str:
    """An answered time, `seconds` (below an hour) after T0."""
    minutes, rest = divmod(seconds, 60)
    return f"2016-08-01T07:{int(minutes):02d}:{rest:06.3f}Z"


def _message(topic: str, **event: Any) -> Message:  # noqa: ANN401
    return keyed(topic, event["user_id"], json.dumps(event), PARTITIONS)


def click(user: str, page: str, seconds: float) -> Message:
    return _message("clicks", user_id=user, page=page, timestamp=T0 + seconds)


def purchase(user: str, product: str, amount: float, seconds: float) -> Message:
    return _message(
        "purchases", user_id=user, product_id=product, amount=amount, timestamp=T0 + seconds
    )


def event(user: str, action: str, seconds: float, value: float | None = None) -> Message:
    return _message("user-events", user_id=user, action=action, timestamp=T0 + seconds, value=value)


RECORDS = [
    click(ANN, "/a", 0),
    click(ANN, "/b", 5),
    click(ANN, "/c", 700),
    purchase(ANN, "lamp", 12.5, 10),
    purchase(ANN, "nail", 0.000001, 705),
    purchase(BOB, "sofa", 899.99, 20),
    event(ANN, "view", 0, 2),
    event(ANN, "view", 299, 4.5),
    event(ANN, "buy", 300),
    event(ANN, "view", 700),
    event(BOB, "view", 1),
]
"""Written before a worker starts, so that the merge finds all of them."""
