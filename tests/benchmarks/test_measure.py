import asyncio
import sys
from pathlib import Path

import pytest

from benchmarks.backlog import steady_speed
from benchmarks.measure import RunFailedError, Worker, peak_memory_mb

BUSY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
block = bytearray(b"x") * (60 * 2**20)
end = time.process_time() + 0.3
while time.process_time() < end: pass
open(sys.argv[1], "w").close()
while True: time.sleep(0.05)
"""


def worker(tmp_path: Path, program: str, *arguments: str) -> Worker:
    return Worker([sys.executable, "-c", program, *arguments], {}, tmp_path / "log")


async def test_usage_is_that_of_the_process(tmp_path: Path) -> None:
    ballast = bytearray(b"x") * (200 * 2**20)  # Ours must not count as the program's.
    mark = tmp_path / "done"
    busy = worker(tmp_path, BUSY, str(mark))

    async def done() -> bool:
        return mark.exists()

    wall_s = await busy.until(done, 240)
    assert busy.cpu_s() >= 0.25
    usage = await busy.stop(wall_s)
    assert usage.exit_status == 7
    assert usage.cpu_s >= 0.3
    assert usage.wall_s > 0
    assert 60 < usage.peak_mb < len(ballast) / 2**20


async def test_a_program_that_ends_early_is_an_error_with_its_words(tmp_path: Path) -> None:
    failing = worker(tmp_path, "raise SystemExit('no such topic')")
    with pytest.raises(RunFailedError, match="no such topic"):
        await failing.until(never, 240)
    assert (await failing.stop()).exit_status == 1


async def test_a_program_that_is_not_done_in_time_is_an_error(tmp_path: Path) -> None:
    idle = worker(tmp_path, "import signal; signal.pause()")
    with pytest.raises(RunFailedError, match=r"not done after 0 s"):
        await idle.until(never, 0.1)
    assert (await idle.stop()).exit_status == -15


async def test_a_stopped_program_can_be_asked_again(tmp_path: Path) -> None:
    quick = worker(tmp_path, "pass")
    first = await quick.stop()
    assert (await quick.stop(2.5)).wall_s == 2.5
    assert first.exit_status == (await quick.stop()).exit_status


async def test_a_process_that_is_gone_has_no_memory(tmp_path: Path) -> None:
    gone = worker(tmp_path, "pass")
    await gone.stop()
    assert peak_memory_mb(gone.pid) == 0.0


def test_the_speed_without_start_up_is_that_between_the_first_and_the_last_commit() -> None:
    assert steady_speed([(100, 2.0), (300, 2.5), (1_100, 4.0)]) == 500
    assert steady_speed([(100, 2.0)]) == 0.0
    assert steady_speed([]) == 0.0


async def never() -> bool:
    await asyncio.sleep(0)
    return False
