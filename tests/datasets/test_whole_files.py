"""Files that are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DatasetError, MemoryDataset
from kedro_datasets.pandas import ParquetDataset

from customer_segmentation.datasets.whole_files import WholeFilesCatalog

OLD = pd.DataFrame({"a": [1, 2]})
NEW = pd.DataFrame({"a": [3]})
TYPES = {
    "parquet": ("pandas.ParquetDataset", OLD, NEW),
    "csv": ("pandas.CSVDataset", OLD, NEW),
    "json": ("json.JSONDataset", {"a": 1}, {"b": [2]}),
    "txt": ("text.TextDataset", "old", "new"),
}


def catalog_of(folder: Path, kind: str) -> WholeFilesCatalog:
    entry: dict[str, Any] = {"type": TYPES[kind][0], "filepath": str(folder / f"data.{kind}")}
    if kind == "csv":
        entry["save_args"] = {"index": False}
    catalog: WholeFilesCatalog = WholeFilesCatalog.from_config({"data": entry})
    return catalog


def as_values(data: Any) -> Any:
    return data.to_dict("list") if isinstance(data, pd.DataFrame) else data


@pytest.mark.parametrize("kind", TYPES)
def test_a_saved_file_replaces_the_old_one_and_nothing_else_is_left(
    kind: str, tmp_path: Path
) -> None:
    catalog = catalog_of(tmp_path / "deep" / "er", kind)
    for data in TYPES[kind][1:]:
        catalog.save("data", data)
        assert as_values(catalog.load("data")) == as_values(data)
    assert [path.name for path in tmp_path.rglob("*.*")] == [f"data.{kind}"]


@pytest.mark.parametrize("kind", TYPES)
def test_the_same_data_is_written_as_the_same_bytes(kind: str, tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, kind)
    catalog.save("data", TYPES[kind][1])
    first = (tmp_path / f"data.{kind}").read_bytes()
    catalog.save("data", TYPES[kind][1])
    assert (tmp_path / f"data.{kind}").read_bytes() == first


@pytest.mark.parametrize(
    ("kind", "unwritable"),
    [
        ("json", {"a": 1, "b": object()}),
        ("parquet", pd.DataFrame({"a": [1, "x", object()]})),
        ("csv", "no table"),
        ("txt", 5),
        ("json", None),
    ],
)
@pytest.mark.parametrize("there", [True, False], ids=["over an old file", "first"])
def test_a_save_that_fails_leaves_what_was_there(
    kind: str, unwritable: object, there: object, tmp_path: Path
) -> None:
    catalog = catalog_of(tmp_path, kind)
    if there:
        catalog.save("data", TYPES[kind][1])
    with pytest.raises(DatasetError):
        catalog.save("data", unwritable)
    assert catalog.exists("data") == bool(there)
    assert [path.name for path in tmp_path.iterdir()] == [f"data.{kind}"] * bool(there)
    catalog.save("data", TYPES[kind][2])
    assert as_values(catalog.load("data")) == as_values(TYPES[kind][2])


def test_a_save_that_breaks_off_half_way_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = catalog_of(tmp_path, "txt")
    catalog.save("data", "old")
    seen: list[str] = []

    def half(self: Any, data: str) -> None:
        path = Path(self._filepath)
        path.write_text(data[:2])
        seen.append((tmp_path / "data.txt").read_text())
        raise KeyboardInterrupt

    monkeypatch.setattr("kedro_datasets.text.TextDataset.save", half)
    with pytest.raises(KeyboardInterrupt):
        catalog.save("data", "new")
    monkeypatch.undo()
    assert seen == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]
    assert catalog.load("data") == "old"


def test_what_a_killed_run_left_does_not_disturb_the_next(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, "txt")
    left = tmp_path / ".writing-data.txt-1"
    left.mkdir()
    (left / "data.txt").write_text("ha")
    catalog.save("data", "whole")
    assert catalog.load("data") == "whole"


def test_a_dataset_of_a_pattern_is_written_whole_too(tmp_path: Path) -> None:
    entry = {"type": "json.JSONDataset", "filepath": f"{tmp_path}/{{name}}.json"}
    catalog = WholeFilesCatalog.from_config({"{name}_metrics": entry})
    catalog.save("k_metrics", {"a": 1})
    with pytest.raises(DatasetError):
        catalog.save("k_metrics", {"a": object()})
    assert catalog.load("k_metrics") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["k.json"]


def test_data_in_memory_passes_through() -> None:
    catalog = WholeFilesCatalog({"data": MemoryDataset(copy_mode="assign")})
    data = object()
    catalog.save("data", data)
    assert catalog.load("data") is data


def test_a_file_that_is_not_local_passes_through() -> None:
    catalog = WholeFilesCatalog({"data": ParquetDataset(filepath="memory://whole/data.parquet")})
    catalog.save("data", NEW)
    assert as_values(catalog.load("data")) == as_values(NEW)
