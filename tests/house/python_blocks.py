"""The Python in the documents: what stands between ```python and ```."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """`place`: document and line of its first line; `text`: without the indent of its list."""

    place: str
    text: str


def python_blocks(name: str, text: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(2)) + 1
        yield Block(f"{name}:{line}", textwrap.dedent(found[2]))
