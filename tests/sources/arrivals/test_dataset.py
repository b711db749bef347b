"""The catalog entry of a source that grows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kedro.io import DatasetError

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Arrival, Parts, Position, text_table

ROWS = [
    {"id": ["1", "2"], "name": ["Ada", "Bo"]},
    {"id": ["2"], "name": ["Bea"]},
]


class Rows:
    """Gives one arrival each time that it is read, as long as there are any."""

    def __init__(self, name: str = "shop") -> None:
        self.name = name

    def read(self, since: Position | None) -> Iterator[Arrival]:
        place = since["at"] if since else 0
        for at, rows in enumerate(ROWS[place : place + 1], place + 1):
            yield Arrival(text_table(rows), {"at": at})


def source_of(tmp_path: Path, **changed: Any) -> ArrivingSource:
    arguments = {
        "reader": {"type": f"{__name__}.Rows"},
        "parts": str(tmp_path / "parts"),
        "landing": str(tmp_path / "landed.parquet"),
        "key": "id",
    }
    return ArrivingSource(**arguments | changed)


@pytest.fixture(autouse=True)
def _can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a reader of these tests be found by its name."""
    monkeypatch.setattr("customer_segmentation.sources.arrivals.dataset.load_obj", lambda _: Rows)


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_each_load_lands_what_is_new_and_gives_what_stands(tmp_path: Path, engine: str) -> None:
    def names() -> list[str]:
        table = source.load()
        rows = pl.from_pandas(table) if engine == "pandas" else table.collect()
        return rows["name"].to_list()

    source = source_of(tmp_path, engine=engine)
    assert names() == ["Ada", "Bo"]
    assert source.landed is not None
    assert (source.landed.name, source.landed.rows) == ("shop", 2)
    assert names() == ["Ada", "Bea"]
    assert names() == ["Ada", "Bea"]
    assert len(list((tmp_path / "parts").iterdir())) == 2


def test_parts_that_are_known_are_not_opened_again_to_land_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source_of(tmp_path).load()
    opened: list[int] = []
    read = Parts._read
    monkeypatch.setattr(
        Parts, "_read", lambda self, number: opened.append(number) or read(self, number)
    )
    source = source_of(tmp_path)
    assert [part.number for part in source.land_new()] == [2]
    assert source.land_new() == []
    assert opened == [1]
    # Somebody begins anew.
    shutil.rmtree(tmp_path / "parts")
    assert [part.rows for part in source.land_new()] == [2]


def test_a_look_lands_parts_and_leaves_the_landing_alone(tmp_path: Path) -> None:
    source = source_of(tmp_path)
    source.look()
    assert source.landed is not None
    assert source.landed.rows == 2
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]


def test_a_preview_shows_what_is_landed(tmp_path: Path) -> None:
    source = source_of(tmp_path)
    assert source.preview() == {"index": [], "columns": [], "data": []}
    source.load()
    assert source.preview(1) == {"index": [0], "columns": ["id", "name"], "data": [["1", "Ada"]]}


def test_paths_are_of_the_project_wherever_a_run_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.kedro]\n")
    below = tmp_path / "notebooks"
    below.mkdir()
    monkeypatch.chdir(below)
    source_of(tmp_path, parts="data/parts", landing="data/landed.parquet").load()
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "landed.parquet",
        "parts",
    ]
    assert list(below.iterdir()) == []


def test_a_source_is_never_written(tmp_path: Path) -> None:
    source = source_of(tmp_path)
    assert source.reads_from == "shop"
    with pytest.raises(DatasetError, match="shop is a source: it is read and never written"):
        source.save("rows")


def test_wrong_configuration_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="no engine 'excel'"):
        source_of(tmp_path, engine="excel")
    with pytest.raises(UserError, match="unexpected keyword argument 'tabel'"):
        source_of(tmp_path, reader={"type": "x.Rows", "tabel": "customers"})
    monkeypatch.undo()
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "sqlalchemy", None)
        for name in [name for name in sys.modules if ".readers.databases" in name]:
            patched.delitem(sys.modules, name)
        with pytest.raises(UserError, match="Reader: sqlalchemy is not installed: docs/sources"):
            source_of(tmp_path, reader={"type": "databases.DatabaseReader"})
    for kind in ("nothing.Reader", "databases.Nothing", "", "an.own.Reader"):
        with pytest.raises(UserError, match=f"there is no reader '{kind}'"):
            source_of(tmp_path, reader={"type": kind})
    reader = {"type": "databases.DatabaseReader", "url": "sqlite://", "table": "customers"}
    assert source_of(tmp_path, reader=reader).reads_from == "sqlite:///customers"
