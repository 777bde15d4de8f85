"""Runs one worker until it is told to stop."""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from app.cli.quiet import quiet_client
from app.descriptors import raise_limit, shared_out
from app.engine.errors import StateError
from app.engine.faust_app import StreamApp
from app.engine.topic_watch import TopicWatch
from app.errors import UserError
from app.factory import changelog_topic, make_app
from app.memory import return_large_blocks
from app.observability import logs
from app.operations.topics import roles
from app.operations.writers import other_writers
from app.settings import Settings
from app.signals import stop_signals
from app.startup import check_data_dir, check_topics, found_topics
from app.topic_identity import IdentityReader

log = logging.getLogger(__name__)
_LEAVE_SECONDS = 8.5
# Once a topic has changed, what is in hand is not to be committed, and may have nowhere to go.
_CHANGED_SECONDS = 4.0
_LOOK_SECONDS = 2.0
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (looked for, not bound)


def run_worker(settings: Settings) -> int:
    """Run a worker; its exit status: 0 after a stop that committed everything."""
    logs.configure(settings.log_level)
    check_data_dir(settings)
    limit = raise_limit()
    return_large_blocks()
    if settings.web_host in _EVERYWHERE and settings.advertised_url is None:
        log.warning(
            "workers on other machines cannot forward to %s: set advertised_url "
            "(STREAMJOIN_ADVERTISED_URL; {hostname} in it stands for this machine's name)",
            settings.url,
        )
    # Rows, records and events hold no cycles: the collector would walk them all for nothing.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    # Two threads that take the lock from each other often spoil the caches for both.
    sys.setswitchinterval(0.02)
    return asyncio.run(_run(settings, limit))


async def _run(settings: Settings, limit: int) -> int:
    """Run it with so many file descriptors."""
    changelog = changelog_topic(settings)
    with quiet_client():
        topics = await check_topics(settings, changelog)
        await _warn_of_others(settings)
        reader = IdentityReader(settings.cluster, list(topics))
        watch = TopicWatch(
            reader.look, await found_topics(reader, topics), roles(settings, changelog)
        )
    try:
        descriptors = shared_out(
            limit, topics[changelog].partitions, reader.brokers, settings.web_connections
        )
        if descriptors.short is not None:
            log.warning("%s", descriptors.short)
        app = make_app(settings, topics, descriptors, confirm=watch.confirm)
        return await _run_app(app, watch)
    finally:
        await reader.close()


async def _warn_of_others(settings: Settings) -> None:
    try:
        for text in await other_writers(settings):
            log.warning("%s", text)
    except UserError as error:
        log.debug("who else writes to the outputs is not seen: %s", error)


async def _run_app(app: StreamApp, watch: TopicWatch) -> int:
    stop = asyncio.Event()
    # Until here a signal ends the process: nothing has begun that would have to be finished.
    stop_signals.hand_to_loop(lambda _: stop.set())
    failures: list[BaseException] = []

    def failed(error: BaseException) -> None:
        failures.append(error)
        stop.set()

    app.engine.on_failure = failed
    app.in_worker = True
    starting = asyncio.create_task(app.maybe_start())
    starting.add_done_callback(partial(_check_done, failed))
    watching = asyncio.create_task(watch.run())
    watching.add_done_callback(partial(_check_done, failed))
    stopping = asyncio.create_task(stop.wait())
    crashed = asyncio.create_task(_crashed(app))
    await asyncio.wait([stopping, crashed], return_when=asyncio.FIRST_COMPLETED)
    if app.crash_reason is not None:
        failures.append(app.crash_reason)
    error = await _explained(failures[0], watch) if failures else None
    watching.cancel()
    if not await _shut_down(app, starting, _CHANGED_SECONDS if watch.failure else _LEAVE_SECONDS):
        _leave_at_once(error or UserError("the worker could not leave the group in time"))
    if error is not None:
        raise error
    return 0


def _check_done(failed: Callable[[BaseException], None], done: "asyncio.Task[Any]") -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None:
        failed(error)


async def _crashed(app: StreamApp) -> None:
    await app._crashed.wait()


async def _shut_down(app: StreamApp, starting: "asyncio.Task[bool]", seconds: float) -> bool:
    """Finish, commit, leave the group; whether the broker let it in time (contract 7: 10 s)."""

    async def leave() -> None:
        app.leaving = True
        await app.engine.close()
        starting.cancel()
        await app.stop()

    leaving = asyncio.create_task(leave())
    await asyncio.wait([leaving], timeout=seconds)
    return leaving.done() and leaving.exception() is None


def _leave_at_once(error: UserError) -> NoReturn:
    """End the process where it stands: threads that wait for the broker would hold it for minutes.

    What was not committed is not half committed either: the transaction has no end, so the broker
    takes it back, and the records are done again.
    """
    sys.stderr.write(f"streamjoin: {error}; what was not committed is done again\n")
    sys.stderr.flush()
    os._exit(error.exit_status)


async def _explained(error: BaseException, watch: TopicWatch) -> UserError:
    """Say it in one line: what happened to the topics comes first, it explains the rest."""
    if isinstance(error, StateError) or not isinstance(error, UserError):
        with suppress(TimeoutError, StateError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await watch.confirm()
    if watch.failure is not None:
        return watch.failure
    if isinstance(error, UserError):
        return error
    log.error("the worker stops", exc_info=error)
    return UserError(f"stopped by an error: {error!r}")
