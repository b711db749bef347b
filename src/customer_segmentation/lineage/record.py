"""Record what a step made, and from what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from customer_segmentation.lineage.content import Content
from customer_segmentation.lineage.flow import SOURCE, makers
from customer_segmentation.lineage.ledger import Entry
from customer_segmentation.lineage.origin import UNKNOWN, Origin
from customer_segmentation.run_record import current_run
from customer_segmentation.scoring.metadata import VERSION, metadata_of

CHAMPION = "_champion"
SEGMENTER = "segmenter_candidate"
_PACKAGE = Path(__file__).parents[1]


def entry_of(
    name: str, node: str, origin: Origin, content: Content, version: str | None
) -> tuple[Entry, dict[str, Any]]:
    """The entry of a table or file, and the values of its parameters by key.

    Args:
        name: The table or file.
        node: The step that made it.
        origin: Everything it was made from.
        content: Its content.
        version: The artifact that it is, or was made with.
    """
    run = current_run.get()
    keys = {parameter: _key(value) for parameter, value in origin.parameters.items()}
    source = origin.contents.get(SOURCE, UNKNOWN)
    entry = Entry(
        made_by=f"{'/'.join(makers([name]))}: {node}",
        run=run.get("run_id", "none"),
        commit=run.get("commit", "unknown"),
        code=code_hash(),
        source_sha256=None if source.startswith(UNKNOWN) else source.removeprefix("sha256:"),
        artifact_version=version,
        content=content,
        made_from=dict(sorted(origin.contents.items())),
        parameters=keys,
    )
    return entry, {keys[each]: value for each, value in origin.parameters.items()}


def version_of(data: Any, origin: Origin, known: Mapping[str, Entry]) -> str | None:  # noqa: ANN401 - anything
    """The version of a saved artifact, or of the segmenter that something was made with."""
    if hasattr(data, "metadata_props"):
        return str(metadata_of(data)[VERSION])
    is_of_it = SEGMENTER in origin.contents and SEGMENTER in known
    return known[SEGMENTER].artifact_version if is_of_it else None


def promoted(saved: Iterable[str], made: Mapping[str, Entry]) -> dict[str, Entry]:
    """Entries for saved champions: those of their candidates, made by promotion."""
    candidates = {name: f"{name.removesuffix(CHAMPION)}_candidate" for name in saved}
    return {
        name: replace(made[candidate], made_by="promotion: a whole run")
        for name, candidate in candidates.items()
        if name.endswith(CHAMPION) and candidate in made
    }


@cache
def code_hash() -> str:
    """A hash of the code: other code may make other tables from the same input."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".jinja", ".css"}:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _key(value: Any) -> str:  # noqa: ANN401 - any parameter
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
