"""`streamjoin broker`: the real Kafka on this machine, without Docker or an installed Java."""

import datetime
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.broker import BrokerStatus, EmbeddedBroker, default_folder
from app.errors import SettingError, UserError
from app.numbers import real, whole
from app.signals import interrupt, stop_signals

DEFAULT_PORT = 9092

broker_cli = typer.Typer(
    name="broker",
    help="Run the real Apache Kafka here: one node, on 127.0.0.1, nothing to install.",
    no_args_is_help=True,
)

_Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="D",
        help="The broker's folder: data, logs, settings (default: streamjoin/broker in the"
        " user's data folder).",
    ),
]
_Port = Annotated[
    int | None,
    typer.Option(
        metavar="P",
        parser=whole,
        help=f"On 127.0.0.1; 0: any free one (default: that of its last start, {DEFAULT_PORT}).",
    ),
]
_Foreground = Annotated[
    bool, typer.Option("--foreground", help="Stay, and stop the broker on Ctrl-C.")
]
_Heap = Annotated[
    int, typer.Option(metavar="MIB", parser=whole, help="Heap of the broker's Java, in MiB.")
]
_Properties = Annotated[
    list[str] | None,
    typer.Option("--property", metavar="KEY=VALUE", help="A further Kafka setting; repeatable."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Timeout = Annotated[
    float, typer.Option(metavar="S", parser=real, help="Seconds to wait before it is killed.")
]


@broker_cli.command()
def start(
    port: _Port = None,
    folder: _Folder = None,
    foreground: _Foreground = False,
    heap_mb: _Heap = 384,
    properties: _Properties = None,
) -> None:
    """Start the broker in the background; returns when it answers.

    The very first start fetches Kafka (45 MB) into the user's cache folder; later ones need no
    network. Starting a broker that runs already changes nothing.
    """
    broker = EmbeddedBroker(
        folder or default_folder(),
        _port(port, folder or default_folder()),
        heap_mb=_heap(heap_mb),
        properties=_pairs(properties or []),
        show_progress=True,
    )
    if foreground:
        _stay(broker)
    else:
        _started(broker)


@broker_cli.command()
def stop(folder: _Folder = None, timeout: _Timeout = 30.0) -> None:
    """Stop the broker; says so if there is none."""
    if timeout < 0:
        raise SettingError(f"--timeout {timeout:g}: must be 0 or more")
    broker = EmbeddedBroker(folder or default_folder())
    typer.echo("broker stopped" if broker.stop(timeout) else "broker was not running")


@broker_cli.command()
def status(folder: _Folder = None, as_json: _Json = False) -> None:
    """Say whether the broker runs, and where."""
    facts = _facts(EmbeddedBroker(folder or default_folder()).status())
    if as_json:
        typer.echo(json.dumps(facts))
        return
    typer.echo("running" if facts.pop("running") else "stopped")
    for name, value in facts.items():
        if value is not None:
            typer.echo(f"{name.replace('_', ' '):<12} {value}")


def _started(broker: EmbeddedBroker) -> bool:
    """Start it and say so; False if it ran already."""
    info = broker.start()
    typer.echo(
        f"broker {'already running' if info.already_running else 'started'}:"
        f" {info.bootstrap} (Kafka {info.version}, pid {info.pid}, {info.folder})"
    )
    return not info.already_running


def _stay(broker: EmbeddedBroker) -> None:
    try:
        stop_signals.hand_to(interrupt)
        if not _started(broker):
            return
        sys.stdout.flush()
        stop_signals.hand_to(interrupt)
        broker.wait()
    except KeyboardInterrupt:
        if broker.stop():
            typer.echo("broker stopped")
        return
    stop_signals.ignore()
    if not broker.was_stopped():
        raise UserError(f"the broker ended by itself; see {broker.folder / 'logs'}")


def _port(port: int | None, folder: Path) -> int:
    if port is None:
        return EmbeddedBroker(folder).previous_port or DEFAULT_PORT
    if not 0 <= port <= 65535:
        raise SettingError(f"--port must be 1 to 65535, or 0 for any free one, not {port}")
    return port


def _heap(heap_mb: int) -> int:
    if heap_mb < 128:
        raise SettingError(f"--heap-mb must be at least 128, not {heap_mb}")
    return heap_mb


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    for text in texts:
        if "=" not in text or text.startswith("="):
            raise SettingError(f"--property must be KEY=VALUE, not {text!r}")
    return pairs


def _facts(state: BrokerStatus) -> dict[str, Any]:
    """The status as names and plain values; all but the first two None when it is stopped."""
    info, started = state.info, state.started_at
    return {
        "running": state.running,
        "folder": str(state.folder),
        "bootstrap": info and info.bootstrap,
        "port": info and info.port,
        "pid": info and info.pid,
        "kafka": info and info.version,
        "java": info and info.java,
        "rss_bytes": state.rss_bytes,
        "started_at": started
        and datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(),
    }


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
