"""Puts the HTTP interface together: called by the composition root."""

from collections.abc import Callable, Sequence

from aiohttp import web

from app.engine.faust_app import StreamApp
from app.observability.metrics import Metrics
from app.observability.progress import ProgressWatch
from app.observability.watching import watch_worker
from app.settings import Settings
from app.web.access import Access
from app.web.guard import MAX_BODY, answer_errors, authorise, bound_body
from app.web.handlers import Handlers
from app.web.health import Health
from app.web.live.handlers import LiveHandlers
from app.web.live.install import LiveParts, install_live
from app.web.measure import measure
from app.web.membership import GroupMembership
from app.web.openapi import serve
from app.web.overall import Overall
from app.web.peers import Peers
from app.web.server import WebServer
from app.web.user_reads import UserReads
from app.web.users import Users
from app.web.workers import GroupView, own_state


def install_web(
    app: StreamApp,
    settings: Settings,
    metrics: Metrics,
    warnings: Callable[[], Sequence[str]],
    progress: ProgressWatch,
) -> None:
    """Have Faust serve our application; `app.engine` must be there.

    `warnings`: what `/readyz` shows beside its verdict, and beside what `progress` warns of.
    """
    access = Access.of(settings)
    peers = Peers(access.credential)
    membership = GroupMembership(app, settings)
    overall = Overall(membership, peers)
    reads = UserReads(membership, overall.turns, settings.rules(), settings.catalogue())
    health = Health(app, membership, warnings, progress, restart_stalled=settings.restart_stalled)
    watch_worker(metrics, app.engine, progress, lambda: health.ready, settings.data_dir)
    handlers = Handlers(
        Users(reads, peers),
        overall,
        health,
        access,
        metrics,
        settings.rules(),
    )
    workers = GroupView(membership, peers, lambda: own_state(app.engine, health))
    parts = LiveParts(reads, peers, overall, workers)
    live = install_live(app, metrics, parts, settings.stream_clients)
    made = application(handlers, access, peers, workers, live)
    made.cleanup_ctx.append(progress.running)
    app.web = WebServer(app, made)


def application(
    handlers: Handlers, access: Access, peers: Peers, workers: GroupView, live: LiveHandlers
) -> web.Application:
    """Make the aiohttp application."""
    made = web.Application(
        middlewares=[measure(handlers.metrics), answer_errors, authorise(access), bound_body],
        client_max_size=MAX_BODY,
    )
    made.add_routes([*handlers.routes(), *workers.routes(), *live.routes(), *serve.routes()])

    async def end_streams(_: web.Application) -> None:
        live.close()

    async def close(_: web.Application) -> None:
        await peers.close()

    made.on_shutdown.append(end_streams)
    made.on_cleanup.append(close)
    return made
