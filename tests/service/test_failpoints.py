"""A worker that dies at each named point in turn, and one that puts it all right."""

import signal
from pathlib import Path

from app.engine import failpoints
from tests.oracle.compare_outputs import ISSUE_4, compare_outputs
from tests.oracle.model import Model
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service, lines

PIECE = 300
ON_STOP = (failpoints.ON_REVOKE, failpoints.AT_SHUTDOWN)


async def test_dying_at_each_failpoint_loses_and_doubles_nothing(
    kafka: Kafka, tmp_path: Path
) -> None:
    fast = {"session_timeout": "1s", "heartbeat_interval": "200ms"}
    service = await Service(kafka.bootstrap, 2, fast).create()
    messages = list(traffic(61, PIECE * (len(failpoints.NAMES) + 1), 2, bad=0.05))
    for name in failpoints.NAMES:
        await service.send(messages[:PIECE])
        del messages[:PIECE]
        # A worker that joins passes a revocation too: of nothing.
        passes = 1 if name in (failpoints.AT_SHUTDOWN, failpoints.IN_RECOVERY) else 2
        armed = {"STREAMJOIN_FAILPOINT": f"{name}:{passes}"}
        if name == failpoints.IN_RECOVERY:  # Only a store that is behind has to recover.
            armed["STREAMJOIN_STORE"] = "memory"
        with service.worker(tmp_path, environment=armed) as worker:
            if name in ON_STOP:
                await service.at_rest()
                worker.process.send_signal(signal.SIGTERM)
            assert await worker.status(30) == -signal.SIGKILL, (name, worker.text)
    await service.send(messages)
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs, ISSUE_4)
    assert not differences, lines(differences)
