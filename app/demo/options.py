"""What the demo is asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """`base`: the folder in which this run makes its own.

    `web_port`, `broker_port`: None for the default or the next free one. `live_rate`: events a
    second that keep arriving after the week, 0 for none. `once`: stop after the table.
    """

    base: Path
    web_port: int | None
    broker_port: int | None
    live_rate: float
    once: bool
