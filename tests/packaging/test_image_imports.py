"""The image has only the runtime part of the lock: the service must import with that alone."""

import subprocess
import sys
import tomllib
from pathlib import Path

from deploy.select_lock import closure, read_lock

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("imports_of_the_image.py")


def image_packages() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    return ["streamjoin", *(e.name for e in closure(entries, project["dependencies"]))]


def imported(*packages: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *packages]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)


def test_the_service_imports_with_what_the_image_has() -> None:
    done = imported(*image_packages())
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > len(("models", "tables", "agents", "app"))


def test_a_package_that_the_image_lacks_is_noticed() -> None:
    done = imported(*(name for name in image_packages() if name != "typer"))
    assert done.returncode != 0
    assert "typer is not in the image" in done.stderr
