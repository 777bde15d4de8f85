"""`python -m tests.service.failing_worker worker`: a worker whose handlers raise half-way.

`FAILING` is JSON: {product id or action: how many times in all its handling raises}. What the
handler does before it raises is left half done, as a bug in it would. `SLOW` is JSON too:
{product id: seconds that its handling takes, the first time}.

`FAILING_COMMIT`: {product id or user of user events: how many times a commit raises that this is
part of}, half done too; `*` for every commit. `LARGE_COMMIT`: users of user events of whom an
output is made at the commit that is larger than its topic takes, a JSON list.
"""

import json
import os
import time
from collections.abc import Iterable

from agents.enrich import ShopWork
from agents.user_events import UserEventsWork
from agents.windows import EventCounting
from app.cli.main import main
from app.engine.state import PartitionState
from models.events import Purchase, UserEvent
from models.outputs import Output

left: dict[str, int] = json.loads(os.environ.get("FAILING", "{}"))
slow: dict[str, float] = json.loads(os.environ.get("SLOW", "{}"))
left_commits: dict[str, int] = json.loads(os.environ.get("FAILING_COMMIT", "{}"))
large: list[str] = json.loads(os.environ.get("LARGE_COMMIT", "[]"))
take_purchase, take_event = ShopWork.purchase, UserEventsWork.take
finish_shop, finish_events = ShopWork.before_commit, UserEventsWork.before_commit


def raise_for(name: str) -> None:
    if left.get(name, 0) > 0:
        left[name] -= 1
        raise RuntimeError(f"made to fail for {name}")


def take_and_raise(self: ShopWork, purchase: Purchase, clicks_offset: int) -> None:
    if purchase.product_id in slow:
        print("sleeps", flush=True)
        time.sleep(slow.pop(purchase.product_id))
        print("slept", flush=True)
    take_purchase(self, purchase, clicks_offset)
    raise_for(purchase.product_id)
    if purchase.product_id in left_commits:
        print(f"taken: {purchase.product_id}", flush=True)


def count_and_raise(self: UserEventsWork, event: UserEvent) -> None:
    take_event(self, event)
    raise_for(event.action)


def raise_at_commit(names: Iterable[str]) -> None:
    for name in ("*", *names):
        if left_commits.get(name, 0) > 0:
            left_commits[name] -= 1
            raise RuntimeError(f"made to fail at a commit with {name}")


def finish_shop_and_raise(self: ShopWork) -> None:
    assert isinstance(self._partition, PartitionState)
    enriched = [o for o in self._partition._outputs.records if o.topic == self._topic]
    finish_shop(self)
    raise_at_commit(json.loads(output.value or b"{}")["product_id"] for output in enriched)


def finish_events_and_raise(self: UserEventsWork) -> None:
    counting = self._computations[0]
    assert isinstance(counting, EventCounting)
    users = [user for user, _ in counting._changed]
    finish_events(self)
    raise_at_commit(users)
    for user in users:
        if user in large:
            counting._send(Output(counting._topic, None, b"large", b"0" * (4 << 20)))


if __name__ == "__main__":
    ShopWork.purchase = take_and_raise  # type: ignore[method-assign]
    ShopWork.before_commit = finish_shop_and_raise  # type: ignore[method-assign]
    UserEventsWork.take = count_and_raise  # type: ignore[method-assign]
    UserEventsWork.before_commit = finish_events_and_raise  # type: ignore[method-assign]
    main()
