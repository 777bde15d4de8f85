"""What the service imports, it declares: an indirect dependency may leave with any upgrade."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from deploy.select_lock import normal

ROOT = Path(__file__).resolve().parents[2]
OURS = ("models", "tables", "agents", "app")
LATER = {"compression"}
"""Of the standard library, from a Python version on that may not be this one."""


def imports(path: Path) -> Iterator[str]:
    """The top-level name of every absolute import in a file, those in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def declared() -> set[str]:
    """The project's dependencies, those of its extras but `dev` included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [item for name, items in extras.items() if name != "dev" for item in items]
    return {normal(requirement) for requirement in [*project["dependencies"], *wanted]}


def undeclared(paths: list[Path], known: set[str]) -> set[str]:
    brought_by = packages_distributions()
    found = {name for path in paths for name in imports(path)}
    foreign = found - set(OURS) - set(sys.stdlib_module_names) - LATER
    return {name for name in foreign if not known & set(map(normal, brought_by.get(name, [])))}


def test_every_foreign_import_is_declared() -> None:
    paths = [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]
    assert undeclared(paths, declared()) == set()


def test_an_undeclared_import_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text("import pytest, os\nfrom app import y\ndef f():\n    import typer.main\n")
    assert undeclared([source], declared()) == {"pytest"}
