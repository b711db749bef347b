"""The version of what was made, and of the code that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from customer_segmentation.lineage.ledger import Entry
from customer_segmentation.lineage.origin import Origin
from customer_segmentation.scoring.metadata import VERSION, metadata_of

SEGMENTER = "segmenter_candidate"
_PACKAGE = Path(__file__).parents[1]


def version_of(data: Any, origin: Origin, known: Mapping[str, Entry]) -> str | None:  # noqa: ANN401 - anything
    """The version of a saved artifact, or of the segmenter that something was made with."""
    if hasattr(data, "metadata_props"):
        return str(metadata_of(data)[VERSION])
    is_of_it = SEGMENTER in origin.contents and SEGMENTER in known
    return known[SEGMENTER].artifact_version if is_of_it else None


@cache
def code_hash() -> str:
    """A hash of the code: other code may make other tables from the same input."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".jinja", ".css"}:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
