"""Seeded shop traffic: disorder, late and bad records, a few busy users among many."""

import json
import random
from collections.abc import Iterator

from tests.support.service import Message, keyed

BASE = 1_471_824_000
"""Monday 2016-08-22 00:00 UTC, seconds."""
BAD = (b"{", b"[]", b'{"user_id": "u1"}', None, b"\xff\xfe")


def traffic(
    seed: int,
    events: int,
    partitions: int,
    *,
    seconds: float = 7200.0,
    disorder: float = 3.0,
    late: float = 0.02,
    bad: float = 0.01,
    users: int = 200,
) -> Iterator[Message]:
    """Clicks, purchases and user events of up to `users` users over `seconds` of event time.

    `disorder`: seconds that a timestamp lies behind at most; `late`: share that lies up to half an
    hour behind; `bad`: share that is not valid.
    """
    dice = random.Random(seed)
    for number in range(events):
        time = BASE + seconds * number / events - dice.random() * disorder
        if dice.random() < late:
            time -= dice.random() * 1800
        user = f"u{min(int(dice.paretovariate(0.7)), users)}"
        kind = dice.choices(("clicks", "purchases", "user-events"), (6, 2, 3))[0]
        event: dict[str, object] = {"user_id": user, "timestamp": round(time, 3)}
        if kind == "clicks":
            event["page"] = f"/p/{number}"
        elif kind == "purchases":
            event |= {"product_id": f"i{number}", "amount": dice.randrange(10**7) / 10**4}
        else:
            event["action"] = dice.choice(("view", "cart", "wish"))
            if dice.random() < 0.5:
                event["value"] = dice.randrange(-(10**6), 10**6) / 1000
        topic, place, key, value, _ = keyed(kind, user, json.dumps(event), partitions)
        yield topic, place, key, dice.choice(BAD) if dice.random() < bad else value, None
