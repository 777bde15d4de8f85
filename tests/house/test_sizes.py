"""Functions of up to 35 lines: a thought at a time."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("models", "tables", "agents", "app", "tests", "benchmarks", "deploy")
MAX_FUNCTION = 35


def sources() -> Iterator[tuple[str, str]]:
    """Every Python file's path in the project and its text."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def long_functions(name: str, text: str) -> Iterator[str]:
    """`file:line name lines` of every function that is too long, its docstring counted."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION:
                yield f"{name}:{node.lineno} {node.name} {lines}"


def test_no_function_is_too_long() -> None:
    assert len(list(sources())) > len(FOLDERS)
    assert [found for name, text in sources() for found in long_functions(name, text)] == []


def test_a_long_function_is_seen() -> None:
    body = "    pass\n" * MAX_FUNCTION
    assert list(long_functions("x.py", f"async def f() -> None:\n{body}")) == ["x.py:1 f 36"]
    assert list(long_functions("x.py", f"def f() -> None:\n{body[:-9]}")) == []
