"""Auto Loader's options and its switch; the stream is tried over Spark's own source of files."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DatasetError

from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Parts
from customer_segmentation.sources.folder import auto_loader
from customer_segmentation.sources.folder.auto_loader import options_of

# Databricks' page "Auto Loader options": its own, and the generic ones of files.
DOCUMENTED = {
    *("cloudFiles.allowOverwrites", "cloudFiles.backfillInterval", "cloudFiles.format"),
    *("cloudFiles.includeExistingFiles", "cloudFiles.inferColumnTypes"),
    *("cloudFiles.maxBytesPerTrigger", "cloudFiles.maxFilesPerTrigger"),
    *("cloudFiles.schemaLocation", "cloudFiles.useNotifications", "cloudFiles.validateOptions"),
    *("modifiedAfter", "modifiedBefore", "pathGlobFilter", "recursiveFileLookup"),
}
# Its formats.
FORMATS = {"avro", "binaryFile", "csv", "json", "orc", "parquet", "text", "xml"}


def source(folder: Path, **options: Any) -> ArrivingSource:
    reader = {
        "type": "folder.FolderReader",
        "place": str(folder / "inbox"),
        "settled_seconds": 0.0,
        "auto_loader": True,
        **options,
    }
    return ArrivingSource(
        reader=reader,
        parts=str(folder / "parts"),
        landing=str(folder / "landing.parquet"),
        key="id",
    )


def test_every_option_is_one_that_is_documented() -> None:
    options = options_of(500)
    assert options.keys() <= DOCUMENTED
    assert options["cloudFiles.format"] in FORMATS
    assert options["cloudFiles.maxFilesPerTrigger"] == "500"
    assert {value for value in options.values() if value in {"true", "false"}} == {"true"}


def test_where_it_is_not_databricks_the_switch_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    with pytest.raises(DatasetError, match="auto_loader is for Databricks alone: leave it out"):
        source(tmp_path).load()


@pytest.mark.spark
def test_what_the_stream_offers_is_landed_as_a_listing_would_land_it(
    tmp_path: Path,
    spark: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert spark
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "none")
    # The same files in the same form, found by listing.
    monkeypatch.setattr(auto_loader, "SOURCE", "binaryFile")
    inbox = tmp_path / "inbox"
    (inbox / "a b").mkdir(parents=True)
    (inbox / "one.csv").write_text("id,n\n1,a\n2,a\n")
    (inbox / "a b" / "two.jsonl").write_text('{"id": "2", "n": 7.0}\n')
    (inbox / "bad.csv").write_text("n,m\na,b\n")
    (inbox / "later.csv.tmp").write_text("id,n\n")
    for place, name in enumerate(("one.csv", "a b/two.jsonl", "bad.csv")):
        os.utime(inbox / name, (1_600_000_000 + place, 1_600_000_000 + place))
    rows = source(tmp_path).load().collect()
    assert rows["id", "n"].to_dicts() == [{"id": "1", "n": "a"}, {"id": "2", "n": "7"}]
    landed = Parts(str(tmp_path / "parts"))
    before = len(landed.all())
    assert any("bad.csv: it was set aside" in note for part in landed.all() for note in part.notes)
    # Nothing new: no part. Then one that is half written, which is offered until it is whole.
    source(tmp_path).load()
    assert len(landed.all()) == before
    (inbox / "three.csv").write_text('id,n\n3,"a')
    with caplog.at_level(logging.WARNING):
        source(tmp_path, settled_seconds=1_000.0).load()
    assert "what was left is offered again" in caplog.text
    assert len(landed.all()) == before
    (inbox / "three.csv").write_text('id,n\n3,"a"\n')
    rows = source(tmp_path).load().collect()
    assert rows["id"].to_list() == ["1", "2", "3"]
    assert len(landed.all()) == before + 1
