"""How far a replay has come: a bar on a terminal, else a line every few seconds, on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.producer import Progress as Position

_SECONDS_PER_LINE: Final = 5.0
_PROBLEMS_SHOWN: Final = 1_000


class Reporter(Protocol):
    """Shows positions and, between them, lines."""

    def update(self, position: Position) -> None:
        """Show how far it has come."""

    def write(self, line: str) -> None:
        """Show a line of its own."""


class ProblemList:
    """Shows problems, the first thousand; a file of another kind would fill the terminal."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        """Show them by `write`."""
        self.write = write or _to_stderr
        self._count = 0

    def add(self, problem: str) -> None:
        """Show one, or that no more are shown."""
        self._count += 1
        if self._count <= _PROBLEMS_SHOWN:
            self.write(problem)
        elif self._count == _PROBLEMS_SHOWN + 1:
            self.write("further bad lines are counted, not shown")


class _Lines:
    def __init__(self) -> None:
        self._shown = 0.0

    def update(self, position: Position) -> None:
        if position.seconds - self._shown >= _SECONDS_PER_LINE:
            self._shown = position.seconds
            rate = position.records / position.seconds
            self.write(
                f"{position.share:.0%} read, {position.records:,} records, {rate:,.0f}/s, "
                f"{position.bad:,} bad lines"
            )

    def write(self, line: str) -> None:
        _to_stderr(line)


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("replay", total=1.0, records="0", rate="-", bad="0")
        self._drawn = 0.0

    def update(self, position: Position) -> None:
        now = time.monotonic()
        if now - self._drawn < 0.1 and position.share < 1:
            return
        self._drawn = now
        rate = position.records / position.seconds if position.seconds else 0.0
        self._bar.update(
            self._task,
            completed=position.share,
            records=f"{position.records:,}",
            rate=f"{rate:,.0f}",
            bad=f"{position.bad:,}",
        )

    def write(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_reporter() -> Iterator[Reporter]:
    """Yield what shows the progress of one replay."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = "{task.fields[records]} records  {task.fields[rate]}/s  {task.fields[bad]} bad lines"
    bar = Progress(BarColumn(), TextColumn(columns), TimeElapsedColumn(), console=console)
    with bar:
        yield _Bar(bar)


def _to_stderr(line: str) -> None:
    typer.echo(line, err=True)
