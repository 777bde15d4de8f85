"""Where to look: addresses, and users of whom there is something to see."""

from collections.abc import Sequence
from typing import Final

from app.demo.client import user_path
from app.demo.screen import Screen
from app.demo.week import Shopper

_OVERALL: Final = (
    ("/", "the live page: all of it at a glance, and any user"),
    ("/v1/revenue", "revenue per 5 minutes over all users, newest first"),
    ("/v1/totals", "everybody's totals"),
    ("/readyz", "whether the worker is ready"),
    ("/metrics", "records, lag, commits, dead letters, for Prometheus"),
)
_CLICKS: Final = "recent-clicks"
_BOUGHT: Final = "enriched-purchases"
_VIEWS: Final = (_CLICKS, _BOUGHT, "totals", "event-counts")


def show_addresses(screen: Screen, url: str, shoppers: Sequence[Shopper]) -> None:
    """Show the views over all users, and those of users who bought in the week's last hours."""
    screen.say("\nOpen in a browser, or with curl:")
    for path, what in _OVERALL:
        screen.say(f"  {url}{path:<14}  {what}")
    screen.say(f"\nShoppers of the last hours ({', '.join(_VIEWS)}):")
    for number, shopper in enumerate(shoppers):
        view, when = (_CLICKS, "arriving again now") if not number else (_BOUGHT, "again later")
        screen.say(f"  {url}{user_path(shopper.user_id, view)}  {_deeds(shopper)}, {when}")
    screen.say()


def _deeds(shopper: Shopper) -> str:
    clicks, purchases = shopper.clicks, shopper.purchases
    return f"{clicks} click{'s' * (clicks != 1)}, {purchases} purchase{'s' * (purchases != 1)}"
