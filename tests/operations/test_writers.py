"""Two services with the same outputs are warned of each other."""

from pathlib import Path

from tests.operations.running import Ran, ran
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service

PARTITIONS = 1
SECONDS = 120
SAYS = " too, or has within the last day"


def writers(got: Ran) -> tuple[str, str]:
    """What `check` says of them: verdict and text."""
    [found] = [row for row in got.objects if row.get("area") == "writers"]
    return found["verdict"], found["text"]


async def test_a_second_service_on_the_same_outputs_is_seen(kafka: Kafka, tmp_path: Path) -> None:
    first = await Service(kafka.bootstrap, PARTITIONS).create()
    await first.send(traffic(91, 300, PARTITIONS))
    with first.worker(tmp_path / "a") as worker:
        await first.at_rest(SECONDS)
        assert SAYS not in worker.text
        assert writers(await ran(first, "check", "--json"))[0] == "ok"
        assert await worker.terminate(60) == 0, worker.text
    # A name that begins as the first one's transactional ids do.
    second = Service(kafka.bootstrap, PARTITIONS, app_id=f"{first.app_id}-0", renamed=first.names)
    await second.create()
    verdict, text = writers(await ran(second, "check", "--json"))
    assert verdict == "warning"
    assert text.startswith(f"{first.app_id} writes to ")
    assert first.names["enriched-purchases"] in text
    with second.worker(tmp_path / "b") as worker:
        await second.at_rest(SECONDS)
        assert worker.text.count(SAYS) == 1
        assert await worker.terminate(60) == 0, worker.text
    assert writers(await ran(first, "check", "--json"))[1].startswith(f"{second.app_id} writes to ")
