"""`streamjoin export TOPIC`: its records as lines of JSON, in a file or on standard output."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.options import BrokerFlag, actual_name, at_least_one
from app.cli.quiet import quiet_client
from app.cluster import Broker
from app.consumer import ConsumerOptions, Message
from app.consumer.export import OPTIONS, Exporter, Wanted
from app.consumer.json_lines import json_line
from app.consumer.sinks import ClosedError, ExportFile, Sink, StandardOutput
from app.errors import SettingError
from app.numbers import whole
from app.settings import load_settings
from app.signals import stop_signals

_DRAW: Final = 0.1

TopicName = Annotated[str, typer.Argument(help="By its name, or the catalogue's: clicks, ...")]
_Output = Annotated[
    Path | None, typer.Option(help="A file; continued if it exists. By default stdout.")
]
_Group = Annotated[
    str | None, typer.Option(help="A consumer group of this export, to go on where it was.")
]
_Most = Annotated[int | None, typer.Option(metavar="N", parser=whole, help="Stop after so many.")]
_Start = Annotated[
    Literal["earliest", "latest"],
    typer.Option("--from", help="Where partitions begin that neither FILE nor the group knows."),
]
_Follow = Annotated[
    bool,
    typer.Option("--follow/--until-end", help="Go on, or stop at the end as it is at the start."),
]


def export_cli(
    topic: TopicName,
    broker: BrokerFlag = None,
    output: _Output = None,
    group: _Group = None,
    from_: _Start = "earliest",
    max_records: _Most = None,
    follow: _Follow = False,
) -> None:
    """Write a topic's committed records as JSON, one a line.

    A line has topic, partition, offset, timestamp, key, value, headers. What is no JSON (a value)
    or no text (a key, a header) is base64, marked by value_encoding, key_encoding or encoding.

    Run it again to go on. With --output, FILE itself says where each partition goes on: after its
    last whole line, with or without a group; a line cut off by a crash is removed. So FILE has each
    record once and leaves none out, also after kill -9. Partitions of which FILE has no line go on
    where the group has committed. On stdout only the group is there to go on from: after kill -9
    the last lines may come again. One --group for each export.

    SIGTERM, SIGHUP and Ctrl-C finish the line and commit; exit status 0, of Ctrl-C 130.
    """
    at_least_one("--max-records", max_records)
    if group is not None and not group:
        raise SettingError("--group is empty: give a name, or leave it out")
    settings = load_settings(broker=broker)
    wanted = Wanted(actual_name(topic, settings), group, follow, max_records)
    options = replace(OPTIONS, start_from=from_)
    status = 0
    with quiet_client(), suppress(ClosedError):
        status = asyncio.run(_run(settings.cluster, wanted, options, output))
    raise typer.Exit(status)


async def _run(
    broker: Broker, wanted: Wanted, options: ConsumerOptions, output: Path | None
) -> int:
    if output is None:
        return await export(broker, wanted, options, StandardOutput(), None)
    with ExportFile(output, wanted.topic) as file:
        return await export(broker, wanted, options, file, output)


async def export(
    broker: Broker,
    wanted: Wanted,
    options: ConsumerOptions,
    sink: Sink,
    output: Path | None,
    line: Callable[[Message], bytes] = json_line,
) -> int:
    """Export until a signal comes; the exit status. `line`: what is written of a record."""
    status = 0

    def stop(number: int) -> None:
        nonlocal status
        status = 130 if number == signal.SIGINT else 0
        exporter.stop()
        if not exporter.has_begun:
            running.cancel()

    with _progress(output) as shown:
        exporter = Exporter(broker, wanted, options, sink, shown, line)
        running = asyncio.ensure_future(exporter.run())
        stop_signals.hand_to_loop(stop)
        with suppress(asyncio.CancelledError):
            await running
    if output is not None:
        typer.echo(f"{exporter.exported:,} records exported to {output}", err=True)
    return status


@contextmanager
def _progress(output: Path | None) -> Iterator[Callable[[int, int], None]]:
    """Yield what draws a bar on stderr, if that is a terminal and the lines go elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal or (output is None and sys.stdout.isatty()):
        yield lambda exported, total: None
        return
    columns = TextColumn("{task.fields[records]} records")
    drawn = 0.0
    with Progress(BarColumn(), columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("export", total=None, records="0")

        def show(exported: int, total: int) -> None:
            nonlocal drawn
            if time.monotonic() - drawn >= _DRAW or exported == total:
                drawn = time.monotonic()
                bar.update(task, completed=exported, total=total or None, records=f"{exported:,}")

        yield show
