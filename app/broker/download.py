"""Fetching jars from Maven Central, or from the repositories set in jgo's configuration.

Coordinates become addresses through jgo, with its default repository. A jar arrives in a
`.part` file, which a later attempt goes on with, and gets its name once its SHA-512 is right.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from app.broker.jars import Jar
from app.errors import UserError

_CHUNK = 1 << 16
_CONNECT_S, _READ_S = 10, 30
_CONNECTIONS = 4
_GONE = {requests.codes.not_found, requests.codes.forbidden}


class _Cancelled(Exception):  # noqa: N818 - a signal between threads, not an error
    """Another jar failed, or the user pressed Ctrl-C."""


def fetch(jars: Sequence[Jar], folder: Path, *, show_progress: bool) -> None:
    """Fetch `jars` into `folder`; what has arrived stays there if one fails.

    Raises UserError: no network, not in the repository, other bytes than the list's.
    """
    done = sum(_part_size(folder, jar) for jar in jars)
    total = sum(jar.size for jar in jars)
    with _progress(show_progress) as progress:
        task = progress.add_task("Fetching Apache Kafka", total=total, completed=done)
        _fetch_all(jars, folder, lambda count: progress.advance(task, count))


def _progress(show: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not show,
    )


def _fetch_all(jars: Sequence[Jar], folder: Path, advance: Callable[[int], None]) -> None:
    stop = threading.Event()
    context = _context()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        work = [pool.submit(_fetch_one, context, jar, folder, advance, stop) for jar in jars]
        try:
            for future in work:
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            _raise_first([future.exception() for future in work if not future.cancelled()])
            raise


def _raise_first(errors: Sequence[BaseException | None]) -> None:
    """Raise the error that stopped the others rather than one of the stopped."""
    for error in errors:
        if error is not None and not isinstance(error, _Cancelled):
            raise error


def _context() -> MavenContext:
    central = MavenContext().remote_repos
    return MavenContext(remote_repos={**GlobalSettings.load().repositories, **central})


def _addresses(context: MavenContext, jar: Jar) -> list[str]:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    path = f"{artifact.component.path_prefix.as_posix()}/{artifact.filename}"
    return [f"{base.rstrip('/')}/{path}" for base in context.remote_repos.values()]


def _fetch_one(
    context: MavenContext,
    jar: Jar,
    folder: Path,
    advance: Callable[[int], None],
    stop: threading.Event,
) -> None:
    part = _part(folder, jar)
    for address in _addresses(context, jar):
        try:
            if _receive(address, part, jar, advance, stop):
                _accept(part, jar, folder)
                return
        except requests.RequestException as error:
            raise UserError(
                f"no network? fetching {jar.name} failed ({_reason(error)}); the first start of"
                " the broker needs the network once, start it again: what has arrived is kept"
            ) from error
    raise UserError(f"{jar.name} is in none of the Maven repositories; see jgo's configuration")


def _receive(
    address: str, part: Path, jar: Jar, advance: Callable[[int], None], stop: threading.Event
) -> bool:
    """Append what is missing in the part file; False if the repository does not have the jar."""
    have = _part_size(part.parent, jar)
    if have == jar.size:
        return True
    headers = {"Range": f"bytes={have}-"} if have else {}
    timeout = (_CONNECT_S, _READ_S)
    with requests.get(address, headers=headers, stream=True, timeout=timeout) as answer:
        if answer.status_code in _GONE:
            return False
        answer.raise_for_status()
        if have and answer.status_code != requests.codes.partial_content:
            advance(-have)
            have = 0
        with part.open("ab" if have else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                if stop.is_set():
                    raise _Cancelled
                file.write(chunk)
                advance(len(chunk))
    return True


def _accept(part: Path, jar: Jar, folder: Path) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha512").hexdigest()
    if found != jar.sha512:
        part.unlink()
        raise UserError(
            f"wrong checksum: what arrived as {jar.name} is not what streamjoin was built with,"
            " nothing of it was kept; look at the proxy or mirror in between, then start again"
        )
    part.replace(folder / jar.name)


def _part(folder: Path, jar: Jar) -> Path:
    return folder / f"{jar.name}.part"


def _part_size(folder: Path, jar: Jar) -> int:
    part = _part(folder, jar)
    size = part.stat().st_size if part.exists() else 0
    return size if size <= jar.size else 0


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "the repository's certificate is not trusted here: have REQUESTS_CA_BUNDLE name the"
            " file of certificates that your network uses"
        )
    if error.response is not None:
        return f"HTTP status {error.response.status_code}"
    return "the repository cannot be reached"
