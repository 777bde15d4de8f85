"""Ctrl-C ends what a command does, also where it is swallowed."""

import signal
import subprocess
import sys

import pytest

from app.cli.work import _until_ended

STUBBORN = """
import asyncio
from contextlib import suppress
from app.cli.work import run_work

async def stubborn():
    print("on", flush=True)
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(600)
    print("swallowed", flush=True)
    await asyncio.sleep(600)

run_work(stubborn())
"""


def test_what_swallows_a_cancellation_is_cancelled_again() -> None:
    command = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "on\n"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert out == "swallowed\n"
    assert err.rstrip().endswith("KeyboardInterrupt")


async def test_what_it_gives_and_raises_comes_through() -> None:
    async def gives() -> int:
        return 7

    async def raises() -> None:
        raise ValueError("no")

    assert await _until_ended(gives()) == 7
    with pytest.raises(ValueError, match="no"):
        await _until_ended(raises())
