"""What the demo says in the terminal while it works: one line for each step, with its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

Advance = Callable[[str, float], None]
"""Takes what is under way and how much of it is done, 0 to 1."""


class Screen:
    """Writes to stdout; lines are never wrapped, so that addresses stay whole."""

    def __init__(self) -> None:
        """The time counts from here."""
        self.console = Console(highlight=False)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def say(self, text: str = "") -> None:
        """Write a line."""
        self.console.print(text, markup=False, soft_wrap=True)

    def step(self, text: str) -> None:
        """Write what has been done by now."""
        self.say(f"{self.seconds:6.1f} s  {text}")

    @contextmanager
    def progress(self) -> Iterator[Advance]:
        """Show a bar for as long as the block lasts; nothing where stdout is no terminal."""
        columns = (TextColumn("          {task.description:<10}"), BarColumn())
        with Progress(
            *columns,
            TextColumn("{task.percentage:>3.0f} %"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as bar:
            tasks = {}

            def advance(name: str, share: float) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name, total=1.0)
                bar.update(tasks[name], completed=share)

            yield advance

    @contextmanager
    def waiting(self, text: str) -> Iterator[Callable[[str], None]]:
        """Keep one line at the bottom up to date; nothing where stdout is no terminal."""
        if not self.console.is_terminal:
            yield lambda _: None
            return
        with self.console.status(text) as status:
            yield status.update
