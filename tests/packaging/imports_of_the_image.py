"""Run by test_image_imports: imports the service with only the image's packages to be had.

Arguments: the distributions that the image has. Prints the number of modules imported.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from types import ModuleType

PACKAGES = ("models", "tables", "agents", "app")
# The embedded broker and the demo that starts it have a Java to run, which the image leaves out.
LEFT_OUT = ("app.broker", "app.demo")


class NotInImage:
    """Refuses every top-level module that no distribution of the image brings."""

    def __init__(self, image: set[str]) -> None:
        """Keep the distributions' normalised names."""
        normal = {
            module: {re.sub(r"[-_.]+", "-", name).lower() for name in brought_by}
            for module, brought_by in packages_distributions().items()
        }
        self.refused = {module for module, names in normal.items() if not names & image}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise for what the image lacks, leave the rest to the usual finders."""
        if name.split(".")[0] in self.refused:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
        return None


def main() -> None:
    """Import every module of the service that the image can run."""
    sys.meta_path.insert(0, NotInImage(set(sys.argv[1:])))
    for package in PACKAGES:
        root = importlib.import_module(package)
        found = pkgutil.walk_packages(root.__path__, f"{package}.")
        for module in found:
            if not module.name.startswith(LEFT_OUT) and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    print(sum(name.split(".")[0] in PACKAGES for name in sys.modules))


if __name__ == "__main__":
    main()
