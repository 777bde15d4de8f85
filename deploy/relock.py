"""Renews requirements.lock from pyproject.toml with uv: `make lock` runs it.

One lock for everything (the project, its extras) and for every Python from 3.11 on, on any
system. Pins that still fit stay as they are, unless --upgrade is given.

    python deploy/relock.py uv==VERSION [--upgrade]
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
NOTE = (
    "# Every package that setup, tests and the image install, pinned by hash. Made by: make lock\n"
)
OPTIONS = ["--all-extras", "--universal", "--python-version=3.11", "--generate-hashes"]
OUTPUT = ["--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]


def main(tool: str, *options: str) -> None:
    """Compile beside the old lock and replace it only when that has worked."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        run(f"{folder}/bin/python", "-m", "pip", "install", "--quiet", tool)
        made = Path(folder) / LOCK.name
        if LOCK.is_file():
            made.write_bytes(LOCK.read_bytes())
        uv = [f"{folder}/bin/uv", "pip", "compile", "pyproject.toml", f"--output-file={made}"]
        run(*uv, *OPTIONS, *OUTPUT, *options)
        LOCK.write_text(NOTE + made.read_text(encoding="utf-8"), encoding="utf-8")


def run(*command: str) -> None:
    """Run a command in the project's folder; the script ends with it when it fails."""
    status = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
