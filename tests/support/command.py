"""The `streamjoin` command as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.worker import ROOT

SECONDS = 300


def streamjoin(
    environment: Mapping[str, str], *arguments: str | Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; of STREAMJOIN_ variables it gets `environment` alone."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("STREAMJOIN_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli.main", *map(str, arguments)],
        env={**kept, **environment},
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
