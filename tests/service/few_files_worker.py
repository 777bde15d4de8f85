"""A worker that may have as many open files as FILES says, and flushes its stores all the time.

Its soft limit is half of that: the worker has to raise it.
"""

import os
import resource

from app.cli.main import main
from app.engine.store import rocks

MODULE = "tests.service.few_files_worker"
FILES = "FILES"

if __name__ == "__main__":
    limit = int(os.environ[FILES])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit // 2, limit))
    rocks._FLUSH_MS = 0  # Each commit goes to the disk at once, by files of its own.
    main()
