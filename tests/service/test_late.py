"""`streamjoin late list`: what came late, read back from `late-events`."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.worker import ROOT


def listed(service: Service, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli.main", "late", "list", *options]
    environment = {**os.environ, **service.environment}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


async def test_late_events_are_listed_with_their_numbers(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    empty = await asyncio.to_thread(listed, service)
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "no late events\n")
    await service.send(traffic(41, 2000, 2, late=0.2))
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    there = await service.output("late-events")
    counts = Counter(record.header("late.for") for record in there)
    assert {"event-counts", "hopping-counts", "moving-average", "enrichment"} <= counts.keys()

    done = await asyncio.to_thread(listed, service, "--limit", "7")
    head, *rows = done.stdout.splitlines()
    assert " ".join(head.split()) == "event time late for late by stream time source user"
    assert len(rows) == 7
    assert done.stderr.startswith(f"7 of {len(there):,} late events: enrichment ")
    assert f"event-counts {counts['event-counts']}" in done.stderr
    newest = max(there, key=lambda record: int(record.header("stream.time") or 0))
    assert f"@{newest.header('source.offset')}" in done.stdout

    user = (newest.key or b"").decode()
    chosen = await asyncio.to_thread(
        listed, service, "--for", "event-counts", "--user", user, "--json", "--limit", "100000"
    )
    lines = [json.loads(line) for line in chosen.stdout.splitlines()]
    wanted = [
        (r.partition, r.offset)
        for r in there
        if r.key == newest.key and r.header("late.for") == "event-counts"
    ]
    assert sorted((line["partition"], line["offset"]) for line in lines) == sorted(wanted)


async def test_wrong_options_are_named(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap)
    for options, named in ((("--for", "nothing"), "--for"), (("--limit", "0"), "--limit")):
        done = await asyncio.to_thread(listed, service, *options)
        assert done.returncode == 2
        assert done.stderr.startswith(f"streamjoin: {named} ")
        assert done.stderr.count("\n") == 1
