"""One live view, shared by all clients that watch it: looked at once, whoever many they are."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from app.web import problems
from app.web.live.states import State, failed
from app.web.problems import ProblemError

Look = Callable[[], Awaitable[State]]
# Seconds after which a view that could not be read is looked at again.
_AGAIN = 0.5


class Channel:
    """Holds a view's newest state, and tells its watchers when that has changed.

    Nothing older is kept: who is slow gets the newest state next.
    """

    def __init__(self, look: Look, least: float, patience: Callable[[], float]) -> None:
        """`look`: reads committed state; ProblemError where it must not be read.

        At least `least` seconds lie between two looks, and `patience` at most where nothing was
        marked as changed.
        """
        self.state: State | None = None
        self._look = look
        self._least = least
        self._patience = patience
        self._watchers: set[asyncio.Event] = set()
        self._marked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def watch(self, wake: asyncio.Event) -> None:
        """Have `wake` set at each change."""
        self._watchers.add(wake)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live view")

    def leave(self, wake: asyncio.Event) -> bool:
        """Set this one no more; whether nobody is left."""
        self._watchers.discard(wake)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None
        return not self._watchers

    def mark(self) -> None:
        """Say that the view may have changed: it is looked at as soon as it may be."""
        self._marked.set()

    async def _run(self) -> None:
        while True:
            started = time.monotonic()
            self._marked.clear()
            state = await self._state()
            if self.state is None or state.digest != self.state.digest:
                self.state = state
                for wake in self._watchers:
                    wake.set()
            await asyncio.sleep(max(started + self._least - time.monotonic(), 0))
            patience = _AGAIN if state.problem else self._patience()
            left = started + patience - time.monotonic()
            if left > 0:
                try:
                    async with asyncio.timeout(left):
                        await self._marked.wait()
                except TimeoutError:
                    pass

    async def _state(self) -> State:
        try:
            return await self._look()
        except ProblemError as error:
            return failed(error.problem)
        except Exception as error:
            return failed(problems.of_bug(error).problem)
