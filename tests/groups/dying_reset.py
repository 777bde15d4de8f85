"""`python -m tests.groups.dying_reset groups reset-offsets ...`: a reset that is killed half-way.

`DIES_AT`: `step:N` at the beginning of its step N, `commit:N` before its N-th transaction.
"""

import os
import signal

import typer

from app.cli.main import main
from app.engine.writer import TransactionWriter

kind, _, number = os.environ["DIES_AT"].partition(":")
echo, commit = typer.echo, TransactionWriter.commit
commits: list[object] = []


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def say_and_die(text: str) -> None:
    echo(text)
    if kind == "step" and text.startswith(f"{number}/"):
        die()


async def commit_or_die(self: TransactionWriter, *args: object) -> int:
    commits.append(args)
    if kind == "commit" and len(commits) == int(number):
        die()
    return await commit(self, *args)  # type: ignore[arg-type]


if __name__ == "__main__":
    typer.echo = say_and_die  # type: ignore[assignment]
    TransactionWriter.commit = commit_or_die  # type: ignore[method-assign, assignment]
    main()
