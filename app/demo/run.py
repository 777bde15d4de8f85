"""The demo from start to stop: what it starts, in which order, and that nothing of it stays."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from app.broker import KAFKA_VERSION, EmbeddedBroker
from app.cluster import IN_THE_OPEN
from app.demo.folder import RunFolder, run_folder, web_port
from app.demo.options import DemoOptions
from app.demo.screen import Screen
from app.demo.serve import Service
from app.demo.worker import DemoWorker
from app.settings import Settings, load_settings
from app.signals import stop_signals

# A week arrives in seconds here: with the defaults most of what users' views show would be
# dropped by stream time at once, and the oldest revenue some minutes later.
_KEPT: Final = {"retention": "1d", "revenue_retention": "30d"}


def run_demo(options: DemoOptions) -> None:
    """Run until a signal comes, or with `once` until the table is shown; then stop everything.

    Raises UserError: a port that was asked for is taken, no network at the very first start, a
    worker or a broker that ended by itself. KeyboardInterrupt where a signal came during the start.
    """
    settings, screen = load_settings(**IN_THE_OPEN, web_port=options.web_port), Screen()
    asked = "web_port" in settings.model_fields_set
    with (
        run_folder(options.base) as folder,
        web_port(settings.web_port, only=asked) as port,
        _cleared(folder, screen),
        DemoWorker(folder) as worker,
        _uninterrupted_end(screen),
    ):
        if port != settings.web_port:
            screen.say(f"Port {settings.web_port} is taken: this demo serves on port {port}.")
        screen.step("starting Kafka and a worker")
        broker = EmbeddedBroker(folder.broker, options.broker_port or 0, show_progress=True)
        info = broker.start()
        screen.step(f"Kafka {KAFKA_VERSION} answers on {info.bootstrap}")
        flags = _flags(settings, info.bootstrap, port, folder)
        service = Service(options, screen, broker, worker, flags)
        stop_signals.hand_to(service.stop)
        asyncio.run(service.run())


@contextmanager
def _uninterrupted_end(screen: Screen) -> Iterator[None]:
    """From the end of the block on, however it comes, signals are ignored."""
    try:
        yield
    finally:
        stop_signals.ignore()
        screen.say("\nStopping.")


@contextmanager
def _cleared(folder: RunFolder, screen: Screen) -> Iterator[None]:
    """Clear the folder at the end; after an error its logs stay until the next start."""
    failed = True
    try:
        yield
        failed = False
    except KeyboardInterrupt:
        failed = False
        raise
    finally:
        folder.clear(but_logs=failed)
        screen.say("Stopped: nothing of it runs any more.")


def _flags(settings: Settings, bootstrap: str, port: int, folder: RunFolder) -> dict[str, Any]:
    """The worker's flags, by setting's name; what the environment says is left to it.

    But for what the demo relies on: that it reaches its worker, which takes all of the week.
    """
    kept = {name: time for name, time in _KEPT.items() if name not in settings.model_fields_set}
    own = {"broker": bootstrap, "data_dir": str(folder.worker), "start_from": "earliest"}
    http = {"web_host": "127.0.0.1", "web_port": port, "api_keys": ""}
    url = {"advertised_url": f"http://127.0.0.1:{port}"}
    return {**kept, **IN_THE_OPEN, **own, **http, **url}
