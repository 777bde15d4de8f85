"""What lies in the store of a worker that does not run."""

import shutil
import tempfile
from pathlib import Path

from app.engine.metadata import KEY, Metadata
from app.engine.store.rocks import RocksStore, shared_cache
from tests.support.topics import Ends


def stored_offsets(folder: Path) -> Ends:
    """Next source offsets by the metadata rows of all partitions' stores in `folder`.

    Copies are opened: an opening would mend what a worker is to find as it is.
    """
    found: Ends = {}
    for stored in sorted(folder.glob("partition-*[0-9]")):
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / "store"
            shutil.copytree(stored, copy)
            (copy / "LOCK").unlink(missing_ok=True)
            store = RocksStore(copy, shared_cache(8))
            metadata = Metadata.decode(store.get(KEY))
            store.close()
        if metadata is not None:
            number = int(stored.name.removeprefix("partition-"))
            found |= {(topic, number): offset for topic, offset in metadata.offsets.items()}
    return found
