"""Writes the lists of other releases' jars: `python -m tests.compat.lock`. Needs the network.

Look at the difference before you commit it.
"""

from app.broker.lock import write_list
from tests.compat.releases import LISTS, OTHERS

_OF_LOG4J_1 = "org.apache.logging.log4j:log4j-1.2-api:2.25.4"
"""Kafka 3 itself calls Log4j 1."""


def main() -> None:
    """Resolve, hash, write."""
    for version in OTHERS:
        more = (_OF_LOG4J_1,) if version.startswith("3.") else ()
        write_list(LISTS / f"{version}.txt", version, "tests.compat.lock", *more)


if __name__ == "__main__":
    main()
