"""`python -m tests.service.slow_worker worker`: a worker that takes its time for each record.

So that a test can end it amid a backlog, however slow the test itself is.
"""

import time

from agents.enrich import ShopWork
from agents.user_events import UserEventsWork
from app.cli.main import main
from models.events import Purchase, UserEvent

MODULE = "tests.service.slow_worker"
SECONDS = 0.005
"""For each purchase and each user event, which are nearly half of the traffic."""
take_purchase, take_event = ShopWork.purchase, UserEventsWork.take


def purchase_slowly(self: ShopWork, purchase: Purchase, clicks_offset: int) -> None:
    time.sleep(SECONDS)
    take_purchase(self, purchase, clicks_offset)


def take_slowly(self: UserEventsWork, event: UserEvent) -> None:
    time.sleep(SECONDS)
    take_event(self, event)


if __name__ == "__main__":
    ShopWork.purchase = purchase_slowly  # type: ignore[method-assign]
    UserEventsWork.take = take_slowly  # type: ignore[method-assign]
    main()
