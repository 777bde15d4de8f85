"""`python -m tests.operations.dying_replay dead-letters replay ...`: killed at a commit.

`DIES_AT`: `before:N` or `after:N`, its N-th one.
"""

import os
import signal

from app.cli.main import main
from app.connections import WatchedProducer

when, _, number = os.environ["DIES_AT"].partition(":")
commit = WatchedProducer.commit_transaction
commits: list[WatchedProducer] = []


async def commit_and_die(self: WatchedProducer) -> None:
    commits.append(self)
    dies = len(commits) == int(number)
    if dies and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    await commit(self)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    WatchedProducer.commit_transaction = commit_and_die  # type: ignore[method-assign]
    main()
