"""`python -m tests.service.failing_worker worker`: a worker whose handlers raise half-way.

`FAILING` is JSON: {product id or action: how many times in all its handling raises}. What the
handler does before it raises is left half done, as a bug in it would. `SLOW` is JSON too:
{product id: seconds that its handling takes, the first time}.
"""

import json
import os
import time

from agents.enrich import ShopWork
from agents.user_events import UserEventsWork
from app.cli.main import main
from models.events import Purchase, UserEvent

left: dict[str, int] = json.loads(os.environ.get("FAILING", "{}"))
slow: dict[str, float] = json.loads(os.environ.get("SLOW", "{}"))
take_purchase, take_event = ShopWork.purchase, UserEventsWork.take


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


def count_and_raise(self: UserEventsWork, event: UserEvent) -> None:
    take_event(self, event)
    raise_for(event.action)


if __name__ == "__main__":
    ShopWork.purchase = take_and_raise  # type: ignore[method-assign]
    UserEventsWork.take = count_and_raise  # type: ignore[method-assign]
    main()
