"""Where to look: addresses, and users of whom there is something to see."""

from collections.abc import Sequence
from typing import Final

from app.demo.client import user_path
from app.demo.screen import Screen
from app.demo.week import Shopper

_OVERALL: Final = (
    ("/v1/revenue", "revenue per 5 minutes over all users, newest first"),
    ("/v1/totals", "everybody's totals"),
    ("/readyz", "whether the worker is ready"),
    ("/metrics", "records, lag, commits, dead letters, for Prometheus"),
)
_VIEWS: Final = ("recent-clicks", "enriched-purchases", "totals", "event-counts")


def show_addresses(screen: Screen, url: str, shoppers: Sequence[Shopper]) -> None:
    """Show the views over all users, and those of users who bought in the week's last hours."""
    screen.say("\nOpen in a browser, or with curl:")
    for path, what in _OVERALL:
        screen.say(f"  {url}{path:<14}  {what}")
    screen.say(f"\nShoppers of the last hours ({', '.join(_VIEWS)}):")
    for shopper in shoppers:
        screen.say(
            f"  {url}{user_path(shopper.user_id, _VIEWS[0])}  "
            f"{shopper.clicks} clicks, {shopper.purchases} purchases"
        )
    screen.say(f"  {url}{user_path(shoppers[0].user_id, _VIEWS[1])}  with the pages before each")
    screen.say()
