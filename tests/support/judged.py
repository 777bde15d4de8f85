"""A service at rest, held against the independent model."""

from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.support.service import Service


async def compare(service: Service) -> list[str]:
    """How its outputs differ from the model's; the order of the join is that of the outputs."""
    outputs = await service.outputs()
    expected = Model(await service.inputs(), service.oracle, enriched=outputs).run()
    return compare_outputs(expected, outputs)
