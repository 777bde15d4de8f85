"""The Makefile: what a newcomer meets before anything is installed."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = ("sh", "make", "awk", "bash", "env")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A PATH of its own that has make and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in SYSTEM:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The project's folder before the first set-up, in a path with a space."""
    folder = tmp_path / "a clone"
    (folder / "deploy").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "deploy/setup_venv.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def fake_python(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def make(cwd: Path, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(path / "make"), "--no-print-directory", *arguments]
    environment = {"PATH": str(path), "HOME": str(cwd), "LC_ALL": "C"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_make_alone_lists_every_command(bare: Path, bin_folder: Path) -> None:
    done = make(bare, bin_folder)
    listed = re.findall(r"^make (\w+) +\S", done.stdout, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[0].split()
    assert done.returncode == 0
    assert listed == phony
    assert {"setup", "run", "test", "bench", "lint"} <= set(listed)


def test_no_new_enough_python_is_one_clear_line(bare: Path, bin_folder: Path) -> None:
    fake_python(bin_folder, "python3", "exit 1")
    done = make(bare, bin_folder, "setup")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (bare / ".venv").exists()


def test_a_python_without_venv_is_one_clear_line(bare: Path, bin_folder: Path) -> None:
    fake_python(bin_folder, "python3.12", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    done = make(bare, bin_folder, "setup")
    assert done.returncode != 0
    assert "python3.12 has no venv module" in done.stderr


def test_a_shim_that_does_not_run_is_passed_over(bare: Path, bin_folder: Path) -> None:
    fake_python(bin_folder, "python3.11", "exit 127")
    fake_python(bin_folder, "python3", 'case "$1" in *.py) echo "ran $1" ;; esac')
    done = make(bare, bin_folder, "setup")
    assert (done.returncode, done.stdout) == (0, "ran deploy/setup_venv.py\n")


@pytest.mark.parametrize("change", ["nothing", "moved", "python removed", "lock"])
def test_what_no_longer_fits_is_made_anew(bare: Path, bin_folder: Path, change: str) -> None:
    """By the script itself, which here says that it makes the environment in place of making it."""
    script = "import setup_venv as s; s.make = lambda: print('made'); s.main()"
    run = f'case "$1" in *.py) cd deploy && exec {sys.executable} -c "{script}" ;; esac'
    fake_python(bin_folder, "python3", run)
    (bare / ".venv" / "bin").mkdir(parents=True)
    fake_python(bare / ".venv" / "bin", "python", "")
    assert make(bare, bin_folder, "setup").stdout == "made\n"
    if change == "moved":
        bare = bare.rename(bare.parent / "elsewhere")
    elif change == "python removed":
        (bare / ".venv" / "bin" / "python").unlink()
    elif change == "lock":
        (bare / "requirements.lock").write_text("", encoding="utf-8")
    done = make(bare, bin_folder, "setup")
    assert (done.returncode, done.stdout) == (0, "" if change == "nothing" else "made\n")


def test_ci_runs_what_a_developer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").rstrip().endswith("make --no-print-directory test")
