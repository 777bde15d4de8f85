"""See the package."""

import os
import sys

from tests.chaos.variants.catalogue import VARIANTS
from tests.chaos.variants.worker import run

if __name__ == "__main__":
    name, arguments = sys.argv[1], sys.argv[2:]
    if name == "worker":
        name, arguments = os.environ.get("CHAOS_VARIANT", ""), sys.argv[1:]
    if name.startswith("--"):
        from tests.chaos.variants.table import main

        main(sys.argv[1:])
    else:
        run(VARIANTS[name] if name else None, arguments)
