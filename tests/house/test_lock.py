"""requirements.lock: agrees with pyproject.toml, all by hash, and split rightly for the image."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from deploy.select_lock import Entry, closure, normal, read_lock

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENTRIES = read_lock(LOCK)


def declared() -> dict[str, str]:
    """Every direct dependency, extras included: its name and what it is pinned to."""
    extras = PROJECT.get("optional-dependencies", {}).values()
    requirements = [*PROJECT["dependencies"], *(item for extra in extras for item in extra)]
    return {
        normal(requirement): str(Requirement(requirement).specifier) for requirement in requirements
    }


def locked() -> dict[str, str]:
    return {
        entry.name: str(Requirement(entry.lines[0].removesuffix("\\")).specifier)
        for entry in ENTRIES
    }


def test_the_lock_holds_what_pyproject_declares_and_asks_for_nothing_else() -> None:
    direct = {entry.name for entry in ENTRIES if PROJECT["name"] in entry.parents}
    assert {name: locked().get(name) for name in declared()} == declared(), "run make lock"
    assert direct == set(declared()), "run make lock"


def test_every_entry_is_one_version_with_hashes() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", locked()[entry.name]), entry.name
        assert len(entry.lines) > 1, f"{entry.name} has no hash"
        for line in entry.lines[1:]:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_the_lock_names_no_place_to_fetch_from() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*-", re.sub(r"^ +--hash=.*$", "", LOCK, flags=re.MULTILINE))


def test_installed_is_what_is_locked() -> None:
    for entry in ENTRIES:
        requirement = Requirement(entry.lines[0].removesuffix("\\"))
        if requirement.marker is None or requirement.marker.evaluate():
            assert distribution(entry.name).version == locked()[entry.name].removeprefix("==")


def test_the_image_gets_everything_that_the_project_needs_to_run() -> None:
    chosen = {entry.name for entry in closure(ENTRIES, PROJECT["dependencies"])}
    waiting = [Requirement(requirement) for requirement in PROJECT["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        for text in distribution(requirement.name).requires or []:
            needed = Requirement(text)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ["", *requirement.extras]
            ):
                assert normal(needed.name) in chosen, f"{requirement.name} needs {needed.name}"
                waiting.append(needed)


def test_the_image_gets_no_tool_of_development() -> None:
    chosen = {entry.name for entry in closure(ENTRIES, PROJECT["dependencies"])}
    assert chosen.isdisjoint({"hatchling", "hypothesis", "mypy", "pytest", "ruff", "import-linter"})


def test_a_closure_follows_the_comments_and_refuses_unknown_roots() -> None:
    text = "a==1 \\\n    --hash=x\n    # via\n    #   b\n    #   streamjoin (pyproject.toml)\n"
    entries = read_lock(f"# note\n{text}B_c==2 ; os == 'x' \\\n    --hash=y\n    # via a\n")
    assert entries[1] == Entry("b-c", ("B_c==2 ; os == 'x' \\", "    --hash=y"), frozenset({"a"}))
    assert entries[0].parents == {"b", "streamjoin"}
    assert closure(entries, ["A>=1"]) == entries
    assert closure(entries, ["b.c"]) == entries[1:]
    with pytest.raises(ValueError, match="not in the lock: d"):
        closure(entries, ["d"])
