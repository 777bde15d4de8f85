"""`streamjoin replay FILE...`: recorded events into the input topics."""

import math
from pathlib import Path
from typing import Annotated

import typer

from app.cli.inputs import input_names, input_topic
from app.cli.moments import moment_ms
from app.cli.progress import ProblemList, progress_reporter
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.cluster import Broker
from app.errors import SettingError
from app.numbers import real, whole
from app.producer import Compression, EventProducer, ReplayOptions, ReplayResult, replay
from app.producer.sources import open_sources
from app.settings import load_settings

_Files = Annotated[
    list[Path], typer.Argument(help="JSON lines, plain or gzip; several are merged by time.")
]
_Broker = Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")]
_Input = Annotated[
    str | None,
    typer.Option(help="clicks, purchases or user-events; else told from each file's name."),
]
_Speed = Annotated[
    float,
    typer.Option(
        metavar="N",
        parser=real,
        help="1: real time, 60: a minute a second, 0: as fast as possible.",
    ),
]
_Shift = Annotated[
    bool, typer.Option("--shift-to-now", help="Move all times so that the last event ends now.")
]
_Mirror = Annotated[
    bool,
    typer.Option("--mirror-user-events", help="Send clicks and priced purchases as user events."),
]
_Packing = Annotated[Compression, typer.Option(help="How batches are packed.")]
_Limit = Annotated[
    int | None, typer.Option(metavar="N", parser=whole, help="Send so many events at most.")
]
_From = Annotated[
    str | None, typer.Option("--from", help="Only from this time: ISO 8601 or epoch seconds.")
]
_Until = Annotated[str | None, typer.Option(help="Only before this time.")]


def replay_cli(
    files: _Files,
    broker: _Broker = None,
    topic: _Input = None,
    speed: _Speed = 0.0,
    shift_to_now: _Shift = False,
    mirror_user_events: _Mirror = False,
    compression: _Packing = "none",
    limit: _Limit = None,
    from_: _From = None,
    until: _Until = None,
) -> None:
    """Send recorded events to Kafka, keyed by user, in the order of their times.

    A line that is no JSON object or has no user_id is reported and counted; so is one sent without
    its user event, since none can be made of it, and what the service will refuse. Exit status 1 if
    a file breaks off, nothing could be sent or the broker fails.
    """
    settings = load_settings(broker=broker)
    options = ReplayOptions(
        topic=input_topic(topic, settings) if topic is not None else None,
        names=input_names(settings),
        speed=_checked_speed(speed),
        shift_to_now=shift_to_now,
        mirror_user_events=mirror_user_events,
        limit=_checked_limit(limit),
        from_ms=moment_ms("--from", from_),
        until_ms=moment_ms("--until", until),
        max_future_ms=settings.max_future,
    )
    with quiet_client():
        result = run_work(_replay(files, settings.cluster, compression, options))
    typer.echo(_summary(result))
    if result.damaged or not result.total:
        raise typer.Exit(1)


async def _replay(
    files: list[Path], broker: Broker, compression: Compression, options: ReplayOptions
) -> ReplayResult:
    open_sources(files, options.topic)
    keyed = set(options.names.values())
    problems = ProblemList()
    async with EventProducer(broker, compression=compression, keyed_topics=keyed) as producer:
        with progress_reporter() as reporter:
            problems.write = reporter.write
            return await replay(files, producer, options, reporter.update, problems.add)


def _checked_speed(speed: float) -> float:
    if not math.isfinite(speed) or speed < 0:
        raise SettingError(f"--speed {speed}: must be 0 (as fast as possible) or more")
    return speed


def _checked_limit(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise SettingError(f"--limit {limit}: must be 1 or more")
    return limit


def _summary(result: ReplayResult) -> str:
    topics = ", ".join(f"{name} {count:,}" for name, count in result.sent.items())
    pace = f"in {result.seconds:.1f} s ({result.rate:,.0f}/s)"
    summary = f"{result.total:,} records sent {pace}: {topics}; {result.bad:,} bad lines"
    if not result.refused:
        return summary
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(result.refused.items()))
    refused = sum(result.refused.values())
    return f"{summary}; {refused:,} of the records sent will be dead letters: {reasons}"
