"""What the state of a run says of content that its store marks only once it is published."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kedro.io import MemoryDataset

from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.lineage.content import Content
from customer_segmentation.lineage.ledger import Entry, Ledger
from customer_segmentation.lineage.origin import Origin
from customer_segmentation.lineage.record import code_hash
from customer_segmentation.lineage.state import RunState

FORMER = Entry(
    made_by="clustering: build_checked_artifact",
    run="yesterday",
    commit="",
    code=code_hash(),
    source_sha256=None,
    artifact_version="0123456789ab",
    content=Content("etag:1"),
    made_from={},
    parameters={},
)


@pytest.mark.parametrize(
    ("version", "mark"), [("0123456789ab", "etag:1"), ("ba9876543210", "run none")]
)
def test_an_artifact_with_the_names_of_another_champion_is_not_the_former_one(
    version: str, mark: str
) -> None:
    """Its names are all that differs: it has the same inputs, parameters and code."""
    catalog = WholeFilesCatalog({"segmenter_candidate": MemoryDataset()})
    state = RunState(Ledger({"segmenter_candidate": FORMER}, {}), catalog, {})
    state._origins["segmenter_candidate"] = Origin()
    assert state.saved("segmenter_candidate", version).mark == mark


def test_what_comes_of_anothers_table_is_of_that_environments_champion() -> None:
    theirs = replace(FORMER, artifact_version="theirs", made_from={"segmenter_champion": "etag:2"})
    catalog = WholeFilesCatalog({"segmenter_champion": MemoryDataset()})
    lent = Ledger({"gold_segments": theirs}, {})
    state = RunState(Ledger({"gold_segments": FORMER}, {}), catalog, {}, lent)
    assert state._version(None, Origin(theirs.made_from)) == "theirs"
