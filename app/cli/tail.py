"""`streamjoin tail TOPIC`: records as they come, for people."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import typer

from app.cli.export import TopicName, export
from app.cli.options import BrokerFlag, actual_name, at_least_one, plain
from app.cli.quiet import quiet_client
from app.consumer import Message
from app.consumer.export import OPTIONS, Wanted
from app.consumer.json_lines import json_line
from app.consumer.sinks import ClosedError, StandardOutput
from app.numbers import whole
from app.settings import load_settings
from models.times import iso

_Beginning = Annotated[
    bool, typer.Option("--from-beginning", help="All there is, not only what comes from now.")
]
_End = Annotated[bool, typer.Option("--until-end", help="Stop at the end as it is at the start.")]


def tail_cli(
    topic: TopicName,
    broker: BrokerFlag = None,
    from_beginning: _Beginning = False,
    until_end: _End = False,
    max_records: Annotated[
        int | None,
        typer.Option("--max-records", "-n", metavar="N", parser=whole, help="Stop after so many."),
    ] = None,
    headers: Annotated[bool, typer.Option("--headers", help="The headers too.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Whole records, as `streamjoin export` writes them.")
    ] = False,
) -> None:
    """Show a topic's committed records as they come, until Ctrl-C.

    A line has partition@offset, Kafka's timestamp, key and value; a dash stands for none. What is
    no text is shown with escapes. No group is used and nothing is committed: a tail changes
    nothing for anybody. To write records down, and to go on later, see `streamjoin export`.
    """
    at_least_one("--max-records", max_records)
    settings = load_settings(broker=broker)
    wanted = Wanted(actual_name(topic, settings), None, not until_end, max_records)
    options = replace(OPTIONS, start_from="earliest" if from_beginning else "latest")

    def line(message: Message) -> bytes:
        return record_line(message, headers=headers)

    status = 0
    with quiet_client(), suppress(ClosedError):
        sink, shown = StandardOutput(), json_line if as_json else line
        status = asyncio.run(export(settings.cluster, wanted, options, sink, None, shown))
    raise typer.Exit(status)


def record_line(message: Message, *, headers: bool) -> bytes:
    """Give a record's line for people, its end included."""
    place = f"{message.partition}@{message.offset}"
    stamp = iso(message.timestamp) if message.timestamp >= 0 else "-"
    parts = [f"{place:<12}", stamp, readable(message.key), readable(message.value)]
    if headers:
        parts += [f"{plain(name)}={readable(value)}" for name, value in message.headers]
    return "  ".join(parts).encode() + b"\n"


def readable(content: bytes | None) -> str:
    """Give bytes as text that is safe on a terminal; a dash for None."""
    return "-" if content is None else plain(content.decode(errors="backslashreplace"))
