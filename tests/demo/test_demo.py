"""The demo as a newcomer runs it: real Kafka, real worker, real processes."""

import contextlib
import gzip
import json
import re
import signal
import socket
import time
import urllib.error
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.demo.week import FILES
from tests.demo.running import SECONDS, Demo, all_revenue, ask, processes_of

READY = "Ctrl-C stops everything."


@cache
def lines_of(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path) as file:
        return [json.loads(line, parse_float=Decimal) for line in file]


OTHERS = {
    "STREAMJOIN_WEB_HOST": "0.0.0.0",
    "STREAMJOIN_ADVERTISED_URL": "http://nowhere.invalid:1",
    "STREAMJOIN_API_KEYS": "read:of-another-service",
    "STREAMJOIN_PEER_KEY": "of-another-service",
    "STREAMJOIN_START_FROM": "latest",
}
"""Settings of a service that is none of the demo's business, as a `.env` may hold them."""


class Sample(NamedTuple):
    clicks: int
    lines: int
    priced: int
    revenue: Decimal


@pytest.fixture(scope="module")
def sample() -> Sample:
    clicks, purchases = map(lines_of, FILES)
    amounts = [Decimal(p["amount"]) for p in purchases if p["amount"] is not None]
    return Sample(len(clicks), len(purchases), len(amounts), sum(amounts, Decimal(0)))


class Pair(NamedTuple):
    quiet: Demo
    live: Demo


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two beside each other in one folder: one that falls silent after the week, one that goes on.

    The first was started a moment earlier, so that they compete for everything; it runs beside the
    settings of something else.
    """
    base = tmp_path_factory.mktemp("demo") / "base"
    with (
        Demo(base, "--live-rate", "0", environment=OTHERS) as quiet,
        Demo(base, "--live-rate", "100") as live,
    ):
        quiet.until_said(READY)
        live.until_said(READY)
        yield Pair(quiet, live)


def until_gone(folder: Path) -> None:
    end = time.monotonic() + SECONDS
    while processes_of(folder) or folder.exists():
        left = (processes_of(folder), folder.exists())
        assert time.monotonic() < end, f"left behind: {left}"
        time.sleep(0.1)


def until_ready(demo: Demo) -> None:
    end = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(urllib.error.HTTPError):
            assert ask(f"{demo.url}/readyz")["ready"]
            return
        assert time.monotonic() < end, "not ready"
        time.sleep(0.1)


def table_of(text: str) -> dict[str, str]:
    rows = re.findall(
        r"^(events|purchases|with recent pages|dead letters|lag) +(.*?) *$", text, re.M
    )
    return dict(rows)


def check_table(text: str, sample: Sample) -> None:
    table = table_of(text)
    events, bad = sample.clicks + sample.priced, sample.lines - sample.priced
    assert table["events"] == (
        f"{sample.clicks:,} clicks, {sample.lines:,} purchases, {events:,} user-events"
    )
    assert table["purchases"] == f"{sample.priced:,} with a price, revenue ${sample.revenue:,.2f}"
    assert table["dead letters"].startswith(f"{bad:,} purchases: wrong-type")
    assert f"of {sample.priced:,} enriched purchases" in table["with recent pages"]
    assert table["lag"] == "0"


def test_table_is_the_samples(pair: Pair, sample: Sample) -> None:
    check_table(pair.quiet.text, sample)
    check_table(pair.live.text, sample)


def test_share_with_recent_pages_is_the_plain_joins(pair: Pair) -> None:
    """Against the definition itself: clicks of the user in [t - 10 min, t], of all the data."""
    clicks, purchases = map(lines_of, FILES)
    times: dict[str, list[int]] = {}
    for click in clicks:
        times.setdefault(click["user_id"], []).append(round(click["timestamp"] * 1000))
    joined = 0
    for bought in (p for p in purchases if p["amount"] is not None):
        at = round(bought["timestamp"] * 1000)
        joined += any(at - 600_000 <= seen <= at for seen in times.get(bought["user_id"], []))
    assert table_of(pair.quiet.text)["with recent pages"].startswith(f"{joined:,} of ")


def test_views_add_up(pair: Pair, sample: Sample) -> None:
    url = pair.quiet.url
    assert all_revenue(url) == (sample.revenue, sample.priced)
    totals = ask(f"{url}/v1/totals")
    assert (totals["revenue"], totals["purchases"]) == (sample.revenue, sample.priced)
    assert totals["actions"] == {"page_view": sample.clicks, "purchase": sample.priced}


def test_addresses_shown_have_something_to_see(pair: Pair) -> None:
    shown = re.findall(r"http://\S+/v1/users/(\d+)/", pair.quiet.text)
    assert len(set(shown)) == 3
    for user in shown:
        found = ask(f"{pair.quiet.url}/v1/users/{user}/enriched-purchases")["purchases"]
        assert found
        assert all(purchase["recent_pages"] for purchase in found)


def test_two_serve_on_ports_of_their_own(pair: Pair) -> None:
    assert pair.quiet.url != pair.live.url
    assert "is taken: this demo serves on port" in pair.quiet.text + pair.live.text


def test_events_keep_arriving(pair: Pair, sample: Sample) -> None:
    first = re.findall(r"/v1/users/(\d+)/recent-clicks", pair.live.text)[0]
    end = time.monotonic() + SECONDS
    while True:
        totals = ask(f"{pair.live.url}/v1/totals")
        clicks = ask(f"{pair.live.url}/v1/users/{first}/recent-clicks")["clicks"]
        if totals["purchases"] > sample.priced and clicks:
            break
        assert time.monotonic() < end, totals
        time.sleep(0.1)
    assert totals["actions"]["page_view"] > sample.clicks


def test_ctrl_c_stops_all_that_was_started_and_nothing_else(pair: Pair) -> None:
    port = int(pair.quiet.url.rpartition(":")[2])
    assert len(processes_of(pair.quiet.base)) == 4
    assert pair.quiet.stop(signal.SIGINT) == 0, pair.quiet.text
    assert len(processes_of(pair.live.base)) == 2
    assert len(pair.live.run_folders) == 1
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    until_ready(pair.live)


def test_kill_9_leaves_nothing(pair: Pair) -> None:
    [folder] = pair.live.run_folders
    assert processes_of(folder)
    pair.live.stop(signal.SIGKILL)
    until_gone(folder)
