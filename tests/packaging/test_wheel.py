"""The wheel, built and installed in a clean environment: ours, whole, and nothing else."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("agents", "app", "models", "tables")
OURS_ALONE = ("tests", "benchmarks", "deploy", "docs")


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as the image builds it: no isolation, no network."""
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ("--quiet", "--disable-pip-version-check")
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    run(sys.executable, "-m", "pip", "wheel", *quiet, *offline, "--wheel-dir", folder, ROOT)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment's Python, with the wheel in it and not a package more."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    return python


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_its_top_level_is_the_four_packages(wheel: Path) -> None:
    version = wheel.name.split("-")[1]
    assert {name.split("/")[0] for name in names(wheel)} == {
        *PACKAGES,
        f"streamjoin-{version}.dist-info",
    }


def test_it_holds_every_file_that_git_holds_there(wheel: Path) -> None:
    shown = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PACKAGES)
    kept = {name for name in shown.splitlines() if (ROOT / name).is_file()}
    assert {name for name in names(wheel) if ".dist-info/" not in name} == kept
    assert {"app/demo/sample/clicks.ndjson.gz", "app/demo/sample/purchases.ndjson.gz"} <= kept
    assert any(name.startswith("app/broker/") and not name.endswith(".py") for name in kept)


def test_its_metadata_has_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        read = {
            name.split("/", 1)[1]: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    assert read["licenses/LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "streamjoin = app.cli.main:main" in read["entry_points.txt"]
    assert "Classifier: Private :: Do Not Upload" in read["METADATA"]
    assert "License-Expression: Apache-2.0" in read["METADATA"]


def test_installed_the_names_are_ours(installed: Path, tmp_path: Path) -> None:
    script = (
        "import importlib.util, json, sys\n"
        "specs = {name: importlib.util.find_spec(name) for name in sys.argv[1:]}\n"
        "print(json.dumps({name: spec and spec.origin for name, spec in specs.items()}))\n"
    )
    asked = (*PACKAGES, *OURS_ALONE)
    origins = json.loads(run(installed, "-I", "-c", script, *asked, cwd=tmp_path))
    site = installed.parent.parent / "lib"
    for name in PACKAGES:
        origin = Path(origins[name])
        assert origin.is_relative_to(site)
        assert origin.parts[-3:] == ("site-packages", name, "__init__.py")
    assert {name: origins[name] for name in OURS_ALONE} == dict.fromkeys(OURS_ALONE)
    assert (installed.parent / "streamjoin").is_file()
