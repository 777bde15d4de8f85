"""Writes the documents that are made from the code: `make documents` runs it.

`docs/openapi.json` from the models that answer, `docs/topics.md` from the catalogue of topics,
`docs/metrics.md` from that of metrics, `docs/settings.md` from the settings. The tests compare the
committed files with what this would write.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from app.observability.document import metrics_document
from app.settings_document import settings_document
from app.topics_document import topics_document
from app.web.openapi.document import text

ROOT = Path(__file__).resolve().parent.parent

DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "docs/openapi.json": text,
    "docs/topics.md": topics_document,
    "docs/metrics.md": metrics_document,
    "docs/settings.md": settings_document,
}
"""The committed files, and what each has to hold."""


def main() -> None:
    """Write all of them."""
    for name, made in DOCUMENTS.items():
        (ROOT / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
