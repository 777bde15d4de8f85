"""Asking the demo's worker over HTTP."""

import json
from decimal import Decimal
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from app.errors import UserError

_PAGE: Final = 1000


class Totals(NamedTuple):
    """Everybody's totals; `revenue` exact."""

    purchases: int
    revenue: Decimal
    actions: dict[str, int]


class Window(NamedTuple):
    """A window of revenue: `start` as it is answered, `revenue` exact."""

    start: str
    revenue: Decimal
    purchases: int


class NotReadyError(Exception):
    """The worker does not answer yet, or not in full."""


def user_path(user_id: str, view: str) -> str:
    """The path of a view of one user."""
    return f"/v1/users/{quote(user_id, safe='')}/{view}"


class Client:
    """Asks one worker at `url`; every question raises `NotReadyError` where it cannot answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """`session`: with the credentials and time-outs that are needed."""
        self._session = session
        self.url = url

    async def totals(self) -> Totals:
        """Ask for everybody's totals."""
        found = await self._json("/v1/totals")
        return Totals(found["purchases"], Decimal(found["revenue"]), found["actions"])

    async def revenue(self) -> list[Window]:
        """Ask for all windows, the newest first, page by page."""
        windows: list[Window] = []
        cursor = ""
        while True:
            page = await self._json(f"/v1/revenue?limit={_PAGE}{cursor}")
            windows += [
                Window(w["start"], Decimal(w["revenue"]), w["purchases"]) for w in page["windows"]
            ]
            if page["next"] is None:
                return windows
            cursor = f"&cursor={page['next']}"

    async def lag(self) -> int:
        """Ask for the records that are not committed yet."""
        families = text_string_to_metric_families(await self._text("/metrics"))
        lags = (s.value for f in families for s in f.samples if s.name == "streamjoin_lag_records")
        return int(sum(lags))

    async def _json(self, path: str) -> Any:  # noqa: ANN401 (whatever the path answers)
        found = json.loads(await self._text(path), parse_float=Decimal)
        if not found["complete"]:
            raise NotReadyError(f"partitions {found['missing']} do not answer yet")
        return found

    async def _text(self, path: str) -> str:
        try:
            async with self._session.get(self.url + path) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotReadyError(str(error)) from error
        if response.status in (401, 403):
            raise UserError(f"{self.url}{path} refuses our key (STREAMJOIN_API_KEY): {text}")
        if response.status != 200:
            raise NotReadyError(text)
        return text
