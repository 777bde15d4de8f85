"""`make compat`: the service on other releases of Kafka, one after the other.

On each: the commands, and the sample through one worker, compared with the model. It takes some
two minutes a release, and the network once for each release's jars. Prints the rows of the table in
docs/deploying.md; exit status 1 if anything differs or fails.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.broker import KAFKA_VERSION, EmbeddedBroker
from app.topics_admin import describe
from models.topic_configs import STAMP_LIMITS
from models.topics import ENRICHED_PURCHASES
from tests.compat.releases import OTHERS, java_for, release
from tests.service.test_sample import sample_through_a_worker
from tests.support.command import streamjoin
from tests.support.service import Service, lines

HEAD = ("Kafka", "Java", "limits of times that `topics create` lifts", "commands", "sample")
COMMANDS: Sequence[Sequence[str]] = (
    ("topics", "list"),
    ("lag",),
    ("dead-letters", "list"),
    ("late", "list"),
    ("groups", "list"),
    ("groups", "describe"),
    ("groups", "reset-offsets", "--to", "earliest", "--dry-run"),
)
"""Run after the sample; each has to end with exit status 0."""


def main(versions: Sequence[str]) -> int:
    """Try each of them; exit status 1 if one fails."""
    show(HEAD)
    show(["---"] * len(HEAD))
    failed = [version for version in versions if not tried(version)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def show(cells: Sequence[str]) -> None:
    """Print a row of the table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def tried(version: str) -> bool:
    """Run all on one release; whether it went well. What did not is told on stderr."""
    java = java_for(version)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker", release=release(version), java=java)
        try:
            service = Service(broker.start().bootstrap)
            limits, commands, sample = asyncio.run(run_all(service, folder / "worker"))
        finally:
            broker.stop()
    show((version, str(java.major), limits, commands, sample))
    return commands == "all" and sample.endswith(" equal")


async def run_all(service: Service, folder: Path) -> tuple[str, str, str]:
    """Give the cells: the limits lifted, the commands that failed or all, and the sample."""
    failures = list(failing(service, before_the_sample(service.partitions)))
    enriched = service.catalogue.name(ENRICHED_PURCHASES)
    configs = (await describe(service.bootstrap, [enriched]))[enriched].configs
    limits = ", ".join(f"`{name.split('.')[2]}`" for name in STAMP_LIMITS if name in configs)
    sent, differences = await sample_through_a_worker(service, folder)
    if differences:
        print(lines(differences), file=sys.stderr)
    failures += failing(service, COMMANDS)
    sample = f"{sent:,} records, " + (f"{len(differences)} differ" if differences else "equal")
    return limits, ", ".join(f"{name} fails" for name in failures) or "all", sample


def before_the_sample(partitions: int) -> Sequence[Sequence[str]]:
    """Give the commands that make and check the topics."""
    return (("topics", "create", "--partitions", str(partitions)), ("check", "--json"))


def failing(service: Service, commands: Sequence[Sequence[str]]) -> Iterator[str]:
    """Run them; the names of those that fail, and of `check` where it warns of topic settings."""
    for command in commands:
        done = streamjoin(service.environment, *command)
        print(done.stdout, done.stderr, file=sys.stderr)
        if done.returncode or (command[0] == "check" and warned(done.stdout)):
            yield " ".join(command[:2])


def warned(output: str) -> bool:
    """Whether `check` says that topics are not as `topics create` makes them."""
    found = [json.loads(line) for line in output.splitlines()]
    return any(row.get("area") == "topic settings" and row["verdict"] != "ok" for row in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [KAFKA_VERSION, *OTHERS]))
