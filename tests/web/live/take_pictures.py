"""Takes pictures of a live page: `python -m tests.web.live.take_pictures URL FOLDER [USER]`.

docs/live-page.png is one of a demo that is under way, whole and light.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from yarl import URL

from tests.support.browser import browsing

SIZES = {"desktop": (1280, 900), "phone": (375, 812)}


async def take(url: str, folder: Path, user: str | None) -> None:
    """One picture for each size and colour scheme, when the page has been live for a while."""
    address = URL(url) / ""
    if user is not None:
        address = address.with_fragment(f"user={user}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with browsing(Path(profile)) as page:
            for name, (width, height) in SIZES.items():
                for scheme in ("light", "dark"):
                    await page.look(width, height, scheme)
                    await page.open("about:blank")
                    await page.open(str(address))
                    await page.shows("#status", "live")
                    await page.until("document.querySelector('#newest-rows tr')")
                    await asyncio.sleep(5)
                    await page.picture(folder / f"{name}-{scheme}.png")


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if sys.argv[3:] else None))
