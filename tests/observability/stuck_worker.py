"""`python -m tests.observability.stuck_worker worker`: while the file STUCK is there, it hangs.

Its event loop goes on, as with a handler that awaits what never comes.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.topology import Flow
from app.cli.main import main
from app.engine.hand_over import HandOver

MODULE = "tests.observability.stuck_worker"
FILE = "STUCK"
take = HandOver.take


def stuck() -> bool:
    return Path(os.environ[FILE]).exists()


async def take_when_free(
    self: HandOver, flow: Flow, items: Sequence[Any], *, large: bool = False
) -> None:
    while stuck():  # noqa: ASYNC110 (another process decides)
        await asyncio.sleep(0.05)
    await take(self, flow, items, large=large)


if __name__ == "__main__":
    HandOver.take = take_when_free  # type: ignore[method-assign]
    main()
