"""Every Python example of the documents is a program, and names what there is."""

import ast
import importlib
from collections.abc import Iterator

import pytest

from tests.house.python_blocks import ROOT, Block, python_blocks

DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
BLOCKS = [
    block
    for path in DOCUMENTS
    for block in python_blocks(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
]


def missing(block: Block) -> Iterator[str]:
    """What it imports from `app` and is not there. SyntaxError names the place."""
    for node in ast.walk(compile(block.text, block.place, "exec", ast.PyCF_ONLY_AST)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "app":
            module = importlib.import_module(node.module or "")
            yield from (alias.name for alias in node.names if not hasattr(module, alias.name))


def test_there_are_examples() -> None:
    assert {block.place.split(":")[0] for block in BLOCKS} >= {
        "docs/consuming.md",
        "docs/windows.md",
    }


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_it_compiles_and_its_imports_are_there(block: Block) -> None:
    compile(block.text, block.place, "exec")
    assert list(missing(block)) == []


def test_what_is_no_program_is_seen() -> None:
    page = "1. x\n\n   ```python\n   async with a:\n       pass\n   ```\n\n```python\nx = 1\n```\n"
    first, second = python_blocks("x.md", page)
    assert (first.place, second) == ("x.md:4", Block("x.md:9", "x = 1\n"))
    with pytest.raises(SyntaxError, match="outside"):
        compile(first.text, first.place, "exec")
    wrong = Block("x.md:1", "from app.errors import UserError, Nothing\n")
    assert list(missing(wrong)) == ["Nothing"]
