"""Headless Chromium, driven over its DevTools protocol: what a person sees of the live page.

Debian's `chromium` (`apt install chromium`), or what STREAMJOIN_CHROMIUM names. The protocol is
spoken directly, over aiohttp: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from tests.support.topics import until

PATIENCE = 240.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without a sandbox: tests run as root in containers, and show nothing but pages of ours.
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-port=0",
    "about:blank",
)


def found_chromium() -> str | None:
    """The browser's path, None where there is none."""
    named = os.environ.get("STREAMJOIN_CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


def chromium() -> str:
    """The browser's path. Without one the test is skipped, and shown as skipped."""
    found = found_chromium()
    if found is None:
        pytest.skip("no Chromium (apt install chromium): the live page is NOT tested here")
    return found


class Page:
    """One tab. `requested`: URLs asked for; `errors`: what its console holds against it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._loaded = asyncio.Event()
        self.requested: list[str] = []
        self.errors: list[str] = []

    async def read(self) -> None:
        """Take what the browser says, until it says no more."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            elif said["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif said["method"] == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.errors.append(str(said["params"]["exceptionDetails"]))
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.errors.append(str(said["params"]["entry"]))

    async def send(self, method: str, **parameters: Any) -> Any:  # noqa: ANN401
        """Call a method of the protocol; its result."""
        self._last += 1
        future = self._waiting[self._last] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._last, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE):
            said = await future
        assert "error" not in said, f"{method}: {said}"
        return said["result"]

    async def start(self) -> Self:
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.send(f"{domain}.enable")
        # They would cover the right edge of pictures.
        await self.send("Emulation.setScrollbarsHidden", hidden=True)
        return self

    async def open(self, url: str) -> None:
        """Go there, and wait until the page and all its files are loaded."""
        self._loaded.clear()
        await self.send("Page.navigate", url=url)
        async with asyncio.timeout(PATIENCE):
            await self._loaded.wait()

    async def look(self, width: int, height: int, scheme: str = "light") -> None:
        """Be a window of this size, of somebody who likes it `light` or `dark`."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.send("Emulation.setDeviceMetricsOverride", **size)
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", features=media)

    async def value(self, expression: str) -> Any:  # noqa: ANN401
        """Evaluate JavaScript in the page."""
        said = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def text(self, selector: str) -> str:
        """The text of an element, as it is shown."""
        return str(await self.value(f"document.querySelector({selector!r})?.innerText ?? ''"))

    async def until(self, expression: str) -> None:
        """Wait until this JavaScript is true."""

        async def true() -> bool:
            return bool(await self.value(f"Boolean({expression})"))

        await until(true, PATIENCE, f"true: {expression}")

    async def shows(self, selector: str, *texts: str) -> None:
        """Wait until an element shows all these texts."""
        found = ""

        async def shown() -> bool:
            nonlocal found
            found = await self.text(selector)
            return all(text in found for text in texts)

        try:
            await until(shown, PATIENCE, f"showing {texts} in {selector}")
        except AssertionError as error:
            raise AssertionError(f"{error}: it shows {found!r}") from None

    async def write(self, text: str) -> None:
        """Type into what has the focus."""
        await self.send("Input.insertText", text=text)

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key: its name and its virtual key code."""
        what = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        more = {"text": text} if text else {}
        await self.send("Input.dispatchKeyEvent", type="keyDown", **what, **more)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **what)

    async def picture(self, path: Path, *, whole: bool = True) -> None:
        """Keep what is seen as a PNG file."""
        said = await self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(said["data"]))


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    nowhere = subprocess.DEVNULL
    command = [chromium(), f"--user-data-dir={folder}", *_FLAGS]
    return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Page]:
    """A browser of one tab; `folder`: for its profile. It is killed at the end."""
    process = _start(folder)
    told = folder / "DevToolsActivePort"

    async def listening() -> bool:
        assert process.poll() is None, f"Chromium ended with status {process.returncode}"
        return told.exists() and len(told.read_text().split()) == 2

    try:
        await until(listening, PATIENCE, "listening for a debugger")
        address = f"http://127.0.0.1:{told.read_text().split()[0]}/json/list"
        async with aiohttp.ClientSession() as session:
            async with session.get(address) as response:
                tabs = await response.json()
            tab = next(one for one in tabs if one["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                reading = asyncio.create_task(page.read())
                try:
                    yield await page.start()
                finally:
                    reading.cancel()
                    with suppress(asyncio.CancelledError):
                        await reading
    finally:
        process.kill()
        process.wait()
