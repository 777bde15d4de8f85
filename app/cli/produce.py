"""`streamjoin produce TOPIC`: one event from flags, or JSON lines from standard input."""

import json
from contextlib import suppress
from typing import Annotated, Any

import typer

from app.cli.inputs import input_names
from app.cli.moments import moment_ms
from app.cli.options import plain
from app.cli.quiet import quiet_client
from app.cli.standard_input import input_lines
from app.cli.work import run_work
from app.errors import SettingError
from app.numbers import real, whole
from app.producer import BadEventError, Compression, EventProducer, Sent
from app.producer.lines import TOO_LONG
from app.settings import load_settings


def produce_cli(
    topic: Annotated[str, typer.Argument(help="clicks, purchases, user-events or another topic.")],
    broker: Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")] = None,
    key: Annotated[str | None, typer.Option(help="The record's key, by default user_id.")] = None,
    user_id: Annotated[str | None, typer.Option()] = None,
    page: Annotated[str | None, typer.Option()] = None,
    product_id: Annotated[str | None, typer.Option()] = None,
    amount: Annotated[str | None, typer.Option(help="A number.")] = None,
    action: Annotated[str | None, typer.Option()] = None,
    value: Annotated[str | None, typer.Option(help="A number.")] = None,
    session_id: Annotated[str | None, typer.Option()] = None,
    timestamp: Annotated[
        str | None, typer.Option(help="ISO 8601 or epoch seconds, by default now.")
    ] = None,
    compression: Annotated[Compression, typer.Option()] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON lines.")] = False,
) -> None:
    """Send events and say where each one lies, once the broker has stored it.

    Without any of the event's flags, JSON lines are read from standard input. A bad line is
    reported with its number and does not stop the rest; exit status 1 if there was any.
    """
    settings = load_settings(broker=broker)
    _check_text("--key", key or "")
    texts = {"user_id": user_id, "page": page, "product_id": product_id}
    texts |= {"action": action, "session_id": session_id}
    event = _event(texts, {"amount": amount, "value": value}, timestamp)
    names = input_names(settings)
    producer = EventProducer(
        settings.cluster, compression=compression, keyed_topics=set(names.values())
    )
    with quiet_client():
        bad = run_work(_produce(producer, names.get(topic, topic), event, key, as_json=as_json))
    if bad:
        raise typer.Exit(1)


def _event(
    texts: dict[str, str | None], numbers: dict[str, str | None], timestamp: str | None
) -> dict[str, Any] | None:
    """Return the event that the flags describe; None where none was given."""
    event: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    for name, text in event.items():
        _check_text(f"--{name.replace('_', '-')}", text)
    for name, number in numbers.items():
        if number is not None:
            event[name] = _number(f"--{name}", number)
    time_ms = moment_ms("--timestamp", timestamp)
    if time_ms is not None:
        event["timestamp"] = time_ms / 1000
    return event or None


def _check_text(flag: str, text: str) -> None:
    """Raise SettingError for bytes that are no UTF-8: Python hands them on as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingError(f"{flag} {plain(text)}: must be UTF-8") from None


def _number(flag: str, text: str) -> float:
    for read in (whole, real):
        with suppress(ValueError):
            return read(text)
    raise SettingError(f"{flag} {plain(text)}: must be a number")


async def _produce(
    producer: EventProducer,
    topic: str,
    event: dict[str, Any] | None,
    key: str | None,
    *,
    as_json: bool,
) -> int:
    """Send one event, or the lines of standard input; return how many of those were bad."""
    async with producer:
        await producer.lane(topic)
        if event is not None:
            _say(await producer.send(topic, event, key), as_json=as_json)
            return 0
        bad = 0
        async for number, line in input_lines():
            try:
                if line is None:
                    raise BadEventError(TOO_LONG)
                if line.strip():
                    _say(await producer.send(topic, line, key), as_json=as_json)
            except BadEventError as error:
                bad += 1
                typer.echo(f"line {number}: {error}", err=True)
        if bad:
            typer.echo(f"{bad} bad lines were not sent", err=True)
        return bad


def _say(sent: Sent, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(sent._asdict()))
    else:
        typer.echo(f"{sent.topic} partition {sent.partition} offset {sent.offset}")
