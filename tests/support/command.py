"""The `streamjoin` command as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.worker import ROOT

SECONDS = 300


def streamjoin(
    environment: Mapping[str, str],
    *arguments: str | Path,
    stdin: str = "",
    module: str = "app.cli.main",
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; of STREAMJOIN_ variables it gets `environment` alone.

    `module`: one that runs it with something changed.
    """
    kept = {name: v for name, v in os.environ.items() if not name.startswith("STREAMJOIN_")}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env={**kept, **environment},
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
