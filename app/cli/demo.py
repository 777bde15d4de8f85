"""`streamjoin demo`: a week of a real shop through the whole service on this machine."""

import contextlib
import math
from pathlib import Path
from typing import Annotated

import typer

from app.cli.quiet import quiet_client
from app.errors import SettingError
from app.numbers import real, whole
from app.signals import interrupt, stop_signals

_Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="D",
        help="Where this run keeps its data until it ends (default: streamjoin/demo in the user's"
        " data folder).",
    ),
]
_WebPort = Annotated[
    int | None,
    typer.Option(
        metavar="P", parser=whole, help="Port to serve on (default: 6066, or the next free one)."
    ),
]
_BrokerPort = Annotated[
    int | None,
    typer.Option(metavar="P", parser=whole, help="Kafka's port (default: any free one)."),
]
_LiveRate = Annotated[
    float,
    typer.Option(
        metavar="N",
        parser=real,
        help="Events a second that keep arriving after the week; 0: none.",
    ),
]
_Once = Annotated[bool, typer.Option("--once", help="Stop after the table.")]


def demo_cli(
    folder: _Folder = None,
    web_port: _WebPort = None,
    broker_port: _BrokerPort = None,
    live_rate: _LiveRate = 5.0,
    once: _Once = False,
) -> None:
    """Show the service at work: Kafka, a worker, and a week of a real shop's events.

    The week is moved in time so that it ends now; afterwards its last hours arrive again, slowly.
    Serves until Ctrl-C, then stops everything that it started and removes its data.
    """
    with contextlib.suppress(KeyboardInterrupt), quiet_client():
        stop_signals.hand_to(interrupt)
        # Imported here: other commands need none of it.
        from app.demo.folder import default_demo_folder
        from app.demo.options import DemoOptions
        from app.demo.run import run_demo

        options = DemoOptions(
            base=folder or default_demo_folder(),
            web_port=_port("--web-port", web_port),
            broker_port=_port("--broker-port", broker_port),
            live_rate=_rate(live_rate),
            once=once,
        )
        run_demo(options)


def _rate(rate: float) -> float:
    if not math.isfinite(rate) or rate < 0:
        raise SettingError(f"--live-rate {rate}: must be 0 (none) or more")
    return rate


def _port(flag: str, port: int | None) -> int | None:
    if port is not None and not 1 <= port <= 65_535:
        raise SettingError(f"{flag} {port}: must be 1 to 65535")
    return port
