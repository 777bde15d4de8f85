"""`python -m tests.consumer.transforming BROKER SOURCE TARGET GROUP FAIL_AT SECONDS`.

Runs docs/examples/exactly_once.py as it is, with its own transformation, which raises at the record
with the `n` FAIL_AT (-1: never) and takes SECONDS for each record.
"""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "exactly_once.py"


def example() -> Any:  # noqa: ANN401 (a module)
    spec = importlib.util.spec_from_file_location("exactly_once", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(broker: str, source: str, target: str, group: str, fail_at: str, seconds: str) -> None:
    module = example()

    async def transform(value: bytes | None) -> bytes:
        await asyncio.sleep(float(seconds))
        if json.loads(value or b"")["n"] == int(fail_at):
            raise RuntimeError("made to fail")
        doubled: bytes = await module.double(value)
        return doubled

    asyncio.run(module.main(broker, source, target, group, transform))


if __name__ == "__main__":
    main(*sys.argv[1:])
