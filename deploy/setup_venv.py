"""Makes .venv: every package of requirements.lock by its hash, then the project itself, editable.

`make setup` runs it with any Python 3.11 or newer; it needs nothing else. Two at once are safe
(the second waits and finds the work done), an interrupted one is taken up again, and one whose
lock and project have not changed returns at once.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".ready"
INPUTS = ("requirements.lock", "deploy/setup_venv.py")
TABLES = ("build-system", "project")  # of pyproject.toml; the tools' settings change nothing here


@contextmanager
def alone() -> Iterator[None]:
    """Hold the project's folder against another set-up (released when the process ends)."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def wanted() -> str:
    """The digest of all that shapes the environment, its own path included."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    digest.update(repr([project[table] for table in TABLES]).encode())
    return digest.hexdigest()


def is_made(digest: str) -> bool:
    """Whether the environment is there as wanted; its Python may have been removed since."""
    return PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == digest


def pip(*arguments: str) -> None:
    """Run the environment's pip; CalledProcessError when it fails (it has said why)."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True)  # noqa: S603


def make() -> None:
    """Make or renew the environment; the stamp comes last."""
    STAMP.unlink(missing_ok=True)
    version = ".".join(map(str, sys.version_info[:3]))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = sum(line[:1].isalnum() for line in lock.splitlines())
    say(f"setting up .venv: Python {version}, {packages} pinned packages (first time: a minute)")
    # --clear: a package that has left the lock must not stay, nor a venv of a removed Python.
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    subprocess.run(command, check=True)  # noqa: S603
    pip("--require-hashes", "--requirement", "requirements.lock")
    pip("--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")


def say(text: str) -> None:
    """One line for the person who waits."""
    sys.stderr.write(f"make setup: {text}\n")


def main() -> int:
    """Bring .venv up to date; the exit status."""
    with alone():
        digest = wanted()
        if not is_made(digest):
            try:
                make()
            except subprocess.CalledProcessError as error:
                say(f"failed (above): {Path(error.cmd[0]).name} {' '.join(error.cmd[1:])}")
                return 1
            STAMP.write_text(digest, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
