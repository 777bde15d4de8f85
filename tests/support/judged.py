"""A service at rest, held against the independent model."""

from tests.oracle.compare_order import compare_ready
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.support.service import Service
from tests.support.topics import Ends


async def compare(service: Service, since: Ends | None = None) -> list[str]:
    """How its outputs differ from the model's; the order of the join is that of the outputs.

    `since`: what was committed when no worker ran and all the rest lay there: of that, the order
    has to be the contract's.
    """
    outputs = await service.outputs()
    expected = Model(await service.inputs(), service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    return differences if since is None else differences + compare_ready(expected, outputs, since)
