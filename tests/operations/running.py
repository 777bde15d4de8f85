"""Commands run as a user would, inside this process: an exit status, and what was printed."""

import asyncio
import json
import os
from typing import Any, NamedTuple

from typer.testing import CliRunner

from app.cli.commands import cli
from app.errors import UserError
from tests.support.service import Service

NOBODY = "127.0.0.1:1"


class Ran(NamedTuple):
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The words of each line of stdout."""
        return [line.split() for line in self.out.splitlines()]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines of stdout as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


async def ran(service: Service, *arguments: str, answer: str = "") -> Ran:
    """Run it beside the test's event loop, since it runs one of its own; no terminal."""
    return await asyncio.to_thread(_run, service, arguments, answer)


def _run(service: Service, arguments: tuple[str, ...], answer: str) -> Ran:
    others = dict.fromkeys(name for name in os.environ if name.startswith("STREAMJOIN_"))
    runner = CliRunner(env={**others, **service.environment})
    result = runner.invoke(cli, arguments, input=answer)
    if isinstance(result.exception, UserError):  # As app.cli.main does.
        said = f"{result.stderr}streamjoin: {result.exception}\n"
        return Ran(result.exception.exit_status, result.stdout, said)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


async def refused(service: Service, *arguments: str, status: int, says: str) -> None:
    """It must fail with this status, one line on stderr and nothing on stdout."""
    got = await ran(service, *arguments)
    assert (got.status, got.out) == (status, ""), got
    assert got.err.startswith("streamjoin: "), got.err
    assert got.err.count("\n") == 1, got.err
    assert says in got.err, got.err
