"""Running the demo as a process, and looking for what it leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300.0


class Demo:
    """`streamjoin demo` under the folder `base`; killed, if it still runs, at the block's end."""

    def __init__(
        self, base: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.base = base
        self._output = base.with_name(f"{base.name}-{time.monotonic_ns()}.txt")
        kept = {name: v for name, v in os.environ.items() if not name.startswith("STREAMJOIN_")}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli.main", "demo", "--dir", str(base), *arguments],
                cwd=ROOT,
                env={**kept, "COLUMNS": "200", **(environment or {})},
                stdout=output,
                stderr=output,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def text(self) -> str:
        return self._output.read_text("utf-8")

    def until_said(self, words: str) -> str:
        """Wait until it has said this; all that it said."""
        end = time.monotonic() + SECONDS
        while words not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < end, f"never said {words!r}:\n{self.text}"
            time.sleep(0.05)
        return self.text

    def stop(self, number: signal.Signals) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    @property
    def url(self) -> str:
        found = re.search(r"the worker answers: (http://127\.0\.0\.1:\d+)/", self.text)
        assert found is not None, self.text
        return found[1]

    @property
    def run_folders(self) -> list[Path]:
        return list(self.base.glob("run-*"))


def processes_of(folder: Path) -> dict[str, int]:
    """Live processes that name the folder on their command line, the demo itself left out."""
    found = {}
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in command and "app.cli.main demo" not in command:
            found[command] = process.pid
    return found


def ask(url: str) -> Any:  # noqa: ANN401
    """The JSON of an answer, numbers with a fraction as exact decimals."""
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - our own worker
        return json.loads(response.read(), parse_float=Decimal)


def all_revenue(url: str) -> tuple[Decimal, int]:
    """Revenue and purchases over all windows, page by page."""
    revenue, purchases, cursor = Decimal(0), 0, ""
    while True:
        page = ask(f"{url}/v1/revenue?limit=200{cursor}")
        assert page["complete"]
        revenue += sum(Decimal(window["revenue"]) for window in page["windows"])
        purchases += sum(window["purchases"] for window in page["windows"])
        if page["next"] is None:
            return revenue, purchases
        cursor = f"&cursor={page['next']}"
