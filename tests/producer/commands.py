"""The `streamjoin` command as a process, for records that go in."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from models.topics import CLICKS, TOPICS, Direction

GOOD = b'{"user_id":"u","page":"/","timestamp":1}'
ROOT = Path(__file__).parents[2]
NOBODY = "127.0.0.1:1"


@dataclass
class Command:
    """The `streamjoin` command as a process of its own, with topics of a test's own."""

    folder: Path
    broker: str
    clicks: str

    def __call__(
        self, *arguments: str | Path, stdin: bytes = b"", broker: str | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli.main", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            timeout=300,
            cwd=self.folder,
            env={
                "PYTHONPATH": str(ROOT),
                "STREAMJOIN_BROKER": broker or self.broker,
                "STREAMJOIN_APP_ID": self.clicks,
                **self.names,
            },
        )

    @property
    def names(self) -> dict[str, str]:
        """Names of all topics as settings: none that another test could have made."""
        renamable = [topic for topic in TOPICS if topic.direction is not Direction.INTERNAL]
        names = {topic: f"{self.clicks}-{topic.id}" for topic in renamable} | {CLICKS: self.clicks}
        return {f"STREAMJOIN_{topic.setting.upper()}": name for topic, name in names.items()}

    def file(self, name: str, *lines: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(b"\n".join(lines))
        return path
