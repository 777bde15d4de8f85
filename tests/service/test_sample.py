"""The whole real sample through a real worker on a real broker, against the model."""

from pathlib import Path

from app.producer import EventProducer, ReplayOptions, replay
from tests.oracle.compare_outputs import ISSUE_4, compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import committed_only
from tests.support.kafka import Kafka
from tests.support.service import ROOT, Service, lines
from tests.support.topics import committed

SAMPLE = ROOT / "app" / "demo" / "sample"
FILES = [SAMPLE / "clicks.ndjson.gz", SAMPLE / "purchases.ndjson.gz"]


async def replay_sample(service: Service) -> int:
    options = ReplayOptions(names=service.names, mirror_user_events=True)
    async with EventProducer(service.bootstrap, compression="lz4") as producer:
        return (await replay(FILES, producer, options)).total


async def test_sample_that_lay_ready(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap).create()
    sent = await replay_sample(service)
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        read = await service.inputs()
        assert len(read) == sent
        inputs = committed_only(read, await committed(kafka.bootstrap, service.app_id))
        assert len(inputs) == sent
        outputs = await service.outputs()
        for enriched in (None, outputs):
            expected = Model(inputs, service.oracle, enriched=enriched).run()
            differences = compare_outputs(expected, outputs, ISSUE_4)
            assert not differences, lines(differences)
        assert await worker.terminate() == 0, worker.text
