"""Puts the HTTP interface together: called by the composition root."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Middleware

from app.engine.faust_app import StreamApp
from app.observability.metrics import Metrics
from app.observability.progress import ProgressWatch
from app.observability.watching import watch_worker
from app.proofs import Proofs
from app.settings import Settings
from app.web.access import Access
from app.web.connections import Connections
from app.web.guard import (
    MAX_BODY,
    OwnHosts,
    admit,
    answer_errors,
    authorise,
    bound_body,
    demand_certificate,
)
from app.web.handlers import Handlers
from app.web.health import Health
from app.web.late import tell_of_long_work
from app.web.live.handlers import LiveHandlers
from app.web.live.install import LiveParts, install_live
from app.web.measure import measure
from app.web.membership import GroupMembership
from app.web.openapi import serve
from app.web.overall import Overall
from app.web.peer_guard import prove_peers, sign_answers
from app.web.peers import PREFIX, Peers
from app.web.server import WebServer
from app.web.tls import ServerTls
from app.web.user_reads import UserReads
from app.web.users import Users
from app.web.workers import GroupView, own_state


def install_web(
    app: StreamApp,
    settings: Settings,
    metrics: Metrics,
    warnings: Callable[[], Sequence[str]],
    progress: ProgressWatch,
    connections: Connections,
) -> None:
    """Have Faust serve our application; `app.engine` must be there.

    `warnings`: what `/readyz` shows beside its verdict, and beside what `progress` warns of.
    """
    access = Access.of(settings)
    tls = None if settings.tls is None else ServerTls(settings.tls, metrics.reload_failed)
    peers = Peers(app.proofs, metrics.key_failed, settings.peer_answer_bytes, tls)
    membership = GroupMembership(app, settings)
    overall = Overall(membership, peers)
    reads = UserReads(membership, overall.turns, settings.rules(), settings.catalogue())
    health = Health(app, membership, warnings, progress, restart_stalled=settings.restart_stalled)
    watch_worker(metrics, app.engine, progress, lambda: health.ready, settings.data_dir)
    users, rules = Users(reads, peers), settings.rules()
    handlers = Handlers(users, overall, health, access, metrics, rules)
    workers = GroupView(membership, peers, lambda: own_state(app.engine, health))
    parts = LiveParts(reads, peers, overall, workers)
    live = install_live(app, metrics, parts, settings.stream_clients)
    between = Between(app.proofs, lambda: app.url, peers)
    made = application(handlers, access, between, workers, live, _checks(settings))
    made.cleanup_ctx.append(progress.running)
    if tls is not None:
        made.cleanup_ctx.append(tls.watching)
    app.web = WebServer(app, made, connections, tls)


def _checks(settings: Settings) -> list[Middleware]:
    """Give what requests go through under these settings alone."""
    checks: list[Middleware] = []
    if not settings.has_keys:
        checks.append(OwnHosts(settings.url).check)
    if settings.tls_client_ca_file is not None:
        checks.append(demand_certificate)
    return checks


class Between(NamedTuple):
    """What the workers of a group have between them; `url`: gives this one's own."""

    proofs: Proofs
    url: Callable[[], str]
    peers: Peers


def application(
    handlers: Handlers,
    access: Access,
    between: Between,
    workers: GroupView,
    live: LiveHandlers,
    checks: Sequence[Middleware] = (),
) -> web.Application:
    """Make the aiohttp application. `checks`: what requests go through beside those of all."""
    made = web.Application(
        middlewares=_middlewares(handlers.metrics, access, between, checks),
        client_max_size=MAX_BODY,
    )
    made.add_routes([*handlers.routes(), *workers.routes(), *live.routes(), *serve.routes()])

    async def end_streams(_: web.Application) -> None:
        live.close()

    async def close(_: web.Application) -> None:
        await between.peers.close()

    made.on_shutdown.append(end_streams)
    made.on_cleanup.append(close)
    return made


def _middlewares(
    metrics: Metrics, access: Access, between: Between, checks: Sequence[Middleware]
) -> list[Middleware]:
    """Give what a request goes through, from outside to inside."""
    failed = metrics.key_failed
    return [
        measure(metrics),
        tell_of_long_work(f"{PREFIX}/v1/users/"),
        sign_answers(between.proofs),
        answer_errors,
        *checks,
        authorise(access, failed),
        bound_body,
        prove_peers(between.proofs, between.url, failed),
        admit,
    ]
