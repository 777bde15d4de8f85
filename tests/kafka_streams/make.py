"""Writes the committed vectors anew: `python -m tests.kafka_streams.make`. Needs a JDK.

Look at the difference before you commit it: with the same sources there must be none.
"""

import sys
import tempfile
from itertools import groupby
from pathlib import Path

from tests.kafka_streams.jvm import Generator, Jdk
from tests.kafka_streams.vectors import FOLDER, Vector, sources, write


def main() -> int:
    """Run all sources through Kafka Streams, write a file for each kind."""
    jdk = Jdk.find()
    if jdk is None:
        sys.stderr.write("no JDK: put a Java 17 or newer with javac on PATH or in JAVA_HOME\n")
        return 1
    wanted = sources()
    with tempfile.TemporaryDirectory(prefix="kafka-streams-") as folder:
        generator = Generator(jdk, Path(folder))
        runs = generator.run([(source.shape, source.events()) for source in wanted])
    made = [Vector.of(source, run) for source, run in zip(wanted, runs, strict=True)]
    FOLDER.mkdir(exist_ok=True)
    for name, vectors in groupby(made, lambda vector: vector.source.file):
        data = write(list(vectors))
        (FOLDER / name).write_bytes(data)
        sys.stdout.write(f"{FOLDER / name}: {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
