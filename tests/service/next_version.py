"""`python -m tests.service.next_version worker`: a worker of a later version of the same layout.

Its metadata rows hold a field that this version does not know.
"""

import msgspec

from app.engine.metadata import Metadata


def encode(row: Metadata) -> bytes:
    fields = msgspec.structs.asdict(row) | {"written_by": "the next version"}
    return msgspec.msgpack.encode(fields)


if __name__ == "__main__":
    Metadata.encode = encode  # type: ignore[method-assign,assignment]

    from app.cli.main import main

    main()
