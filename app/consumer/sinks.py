"""Where exported lines go: a file that knows how far it is, or standard output."""

import asyncio
import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from app.consumer.errors import ConsumeError
from app.consumer.json_lines import may_begin, place_of

_STDOUT: Final = 1
_CHUNK: Final = 1 << 20
_GIVE_UP: Final = 5.0


class ClosedError(Exception):
    """Whoever read standard output has gone."""


class Sink(Protocol):
    """Takes lines. `held`: by partition, one past the last offset that it holds."""

    held: dict[int, int]

    async def write(self, data: bytes, stopping: asyncio.Event) -> None:
        """Write whole lines. Raises ConsumeError, ClosedError."""

    async def sync(self) -> None:
        """Have what is written survive a power cut."""


class ExportFile:
    """A file of lines of one topic, continued where its last whole line ends.

    A line cut off by a crash is removed when it is opened. Locked against a second exporter.
    """

    def __init__(self, path: Path, topic: str) -> None:
        """Open and read it. Raises ConsumeError when it cannot be written or is no such export."""
        self._path = path
        self._topic = topic
        self.held: dict[int, int] = {}
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise self._failed("write", error) from error
        try:
            self._prepare()
        except OSError as error:
            os.close(self._file)
            raise self._failed("use", error) from error
        except BaseException:
            os.close(self._file)
            raise

    def _prepare(self) -> None:
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConsumeError(f"another export is writing to {self._path}") from None
        end = 0
        for number, line in enumerate(self._lines(), 1):
            if not line.endswith(b"\n"):
                if not may_begin(line, self._topic):
                    raise self._foreign(number)
                break
            self._note(number, line)
            end += len(line)
        os.ftruncate(self._file, end)

    def _lines(self) -> Iterator[bytes]:
        with os.fdopen(os.dup(self._file), "rb", _CHUNK) as file:
            file.seek(0)
            yield from file

    def _note(self, number: int, line: bytes) -> None:
        try:
            place = place_of(line)
        except ValueError:
            place = None
        if place is None or place.topic != self._topic:
            raise self._foreign(number)
        self.held[place.partition] = max(place.offset + 1, self.held.get(place.partition, 0))

    def _foreign(self, number: int) -> ConsumeError:
        return ConsumeError(
            f"{self._path} line {number} is not of an export of {self._topic}: give another "
            "--output"
        )

    def _failed(self, what: str, error: OSError) -> ConsumeError:
        return ConsumeError(f"cannot {what} {self._path}: {error.strerror}")

    async def write(self, data: bytes, stopping: asyncio.Event) -> None:
        """See `Sink`."""
        try:
            _write_all(self._file, data)
        except OSError as error:
            raise self._failed("write", error) from error

    async def sync(self) -> None:
        """See `Sink`."""
        try:
            await asyncio.to_thread(os.fsync, self._file)
        except OSError as error:
            if stat.S_ISREG(os.fstat(self._file).st_mode):  # A pipe or a device keeps nothing.
                raise self._failed("write", error) from error

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, and with it the lock."""
        os.close(self._file)


class StandardOutput:
    """Standard output, written beside the event loop: its reader may be slow, or stand still."""

    def __init__(self) -> None:
        """It holds nothing that could be looked at."""
        self.held: dict[int, int] = {}

    async def write(self, data: bytes, stopping: asyncio.Event) -> None:
        """See `Sink`. When told to stop, the reader has five seconds to take it."""
        done = _write_beside(data)
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait((done, stop), return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.timeout(_GIVE_UP):
                await done
        except BrokenPipeError as error:
            raise ClosedError from error
        except TimeoutError as error:
            raise ConsumeError("standard output does not take any more; stopped") from error
        except OSError as error:
            raise ConsumeError(f"cannot write to standard output: {error.strerror}") from error
        finally:
            stop.cancel()

    async def sync(self) -> None:
        """Do nothing: what is written is the reader's."""


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _write_beside(data: bytes) -> asyncio.Future[None]:
    """Write to standard output in a thread; what says when it is done, or has failed."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: OSError | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        failure = None
        try:
            _write_all(_STDOUT, data)
        except OSError as error:
            failure = error
        with suppress(RuntimeError):  # The loop has ended: nobody waits for this any more.
            loop.call_soon_threadsafe(finish, failure)

    # A daemon: an exit must not wait for a reader that takes nothing.
    threading.Thread(target=work, name="standard-output", daemon=True).start()
    return done
