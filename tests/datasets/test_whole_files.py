"""Files that are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from kedro.io import DatasetError, MemoryDataset
from kedro_datasets.pandas import ParquetDataset

from customer_segmentation.datasets.pending import clear, publish
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


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_held_waits_beside_its_place_and_is_read_from_there(
    kind: str, tmp_path: Path
) -> None:
    old, new = TYPES[kind][1:]
    catalog = catalog_of(tmp_path, kind)
    catalog.save("data", old)
    catalog.hold()
    assert as_values(catalog.load("data")) == as_values(old)
    catalog.save("data", new)
    assert as_values(catalog.load("data")) == as_values(new)
    assert as_values(catalog_of(tmp_path, kind).load("data")) == as_values(old)
    ((waiting, place),) = catalog.waiting.values()
    publish(waiting, place)
    catalog.settle()
    assert as_values(catalog.load("data")) == as_values(new)
    publish(waiting, place)
    clear([place])
    assert [path.name for path in tmp_path.iterdir()] == [f"data.{kind}"]


def test_what_is_abandoned_leaves_no_trace(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, "txt")
    catalog.save("data", "old")
    catalog.hold()
    catalog.save("data", "new")
    catalog.abandon()
    assert catalog.load("data") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]


def test_what_was_left_waiting_is_forgotten(tmp_path: Path) -> None:
    killed = catalog_of(tmp_path, "txt")
    killed.hold()
    killed.save("data", "new")
    assert len(list(tmp_path.iterdir())) == 1
    catalog_of(tmp_path, "txt").forget_killed(["data"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_replaces_the_other_also_where_that_was_cut_short(tmp_path: Path) -> None:
    waiting, place = tmp_path / ".pending" / "parts", tmp_path / "parts"
    waiting.mkdir(parents=True)
    (waiting / "new").write_text("new")
    place.mkdir()
    (place / "old").write_text("old")
    for _ in range(2):
        publish(str(waiting), str(place))
        assert [path.name for path in place.iterdir()] == ["new"]


def test_in_a_store_a_copy_can_be_done_again_until_it_is_cleared() -> None:
    files = MemoryFileSystem()
    files.pipe({"/b/old": b"old", "/b/parts/old": b"old", "/b/parts/same": b"old"})
    files.pipe({"/b/.pending/old": b"new", "/b/.pending/parts/same": b"new"})
    for _ in range(2):
        for name in ("old", "parts"):
            publish(f"memory://b/.pending/{name}", f"memory://b/{name}")
        assert files.cat("/b/old") == b"new"
        assert files.find("/b/parts") == ["/b/parts/same"]
        assert files.cat("/b/parts/same") == b"new"
    clear(["memory://b/old"])
    assert not files.find("/b/.pending")
    publish("memory://b/.pending/old", "memory://b/old")
    assert files.cat("/b/old") == b"new"
