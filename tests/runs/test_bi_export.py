"""Files of BI tools: what is read back from them is what the run's tables hold."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pantab
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spotfire import sbdf
from spotfire.data_function import AnalyticInput, AnalyticOutput, AnalyticSpec

from customer_segmentation.bi.left import Left
from customer_segmentation.lineage.ledger import Ledger
from customer_segmentation.tables.columns import gold_tables
from tests.marketing import SCHEMA
from tests.runs.project import CHECKOUT, Project
from tests.runs.tables import read_table

TABLES = gold_tables(SCHEMA)
SCRIPT = CHECKOUT / "deploy" / "bi" / "spotfire" / "score_customers.py"
FORMATS = ("--format=parquet", "--format=hyper", "--format=sbdf")
_IMPORT = "import customer_segmentation.bi.export, customer_segmentation.cli"
Rows = list[dict[str, Any]]
DAY = datetime(2014, 6, 30)  # noqa: DTZ001 - days have no zone


@pytest.fixture(scope="module")
def run(quick_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What a run leaves, and the plan of a campaign with odd customers, of some columns only."""
    project = Project(tmp_path_factory.mktemp("bi") / "project")
    shutil.copytree(quick_run.root, project.root)
    campaign = {
        "customer_id": ["ö\n'1", "2"],
        "as_of": [DAY] * 2,
        "segment": ["", "low_spend"],
        "p_response": [None, 0.5],
        "is_contacted": [1, 2**40],
    }
    pd.DataFrame(campaign).to_parquet(project.root / "data" / "gold" / "campaign.parquet")
    return project


@pytest.fixture(scope="module")
def exported(run: Project) -> Path:
    """The three kinds of files of it."""
    folder = run.root / "out"
    result = run.kedro("export", str(folder), *FORMATS)
    assert result.exit_code == 0, result.output
    return folder


def from_parquet(folder: Path, name: str) -> pa.Table:
    return pq.read_table(folder / f"{name}.parquet")


def from_hyper(folder: Path, name: str) -> pa.Table:
    return pantab.frame_from_hyper(folder / "gold.hyper", table=name, return_type="pyarrow")


def from_sbdf(folder: Path, name: str) -> pa.Table:
    frame = sbdf.import_data(str(folder / f"{name}.sbdf"))
    return pa.table({column: pa.array(frame[column], from_pandas=True) for column in frame})


def rows_of(table: pa.Table) -> Rows:
    def plain(value: object) -> object:
        return None if isinstance(value, float) and math.isnan(value) else value

    return [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]


READERS: Mapping[str, Callable[[Path, str], pa.Table]] = {
    "parquet": from_parquet,
    "hyper": from_hyper,
    "sbdf": from_sbdf,
}


@pytest.mark.parametrize("kind", READERS)
def test_a_file_holds_the_rows_of_the_run(run: Project, exported: Path, kind: str) -> None:
    for name in ("gold_segments", "gold_features", "gold_segment_profiles", "gold_unsegmented"):
        expected = read_table(str(run.root / "data"), name)
        key = [*TABLES[name].contract.key]
        found = READERS[kind](exported, name).to_pandas().sort_values(key, ignore_index=True)
        assert [*found] == [column.name for column in TABLES[name].columns]
        assert len(found) > 2
        pd.testing.assert_frame_equal(
            found[[*expected]].astype({c: expected[c].dtype for c in expected}),
            expected,
            check_dtype=False,
            check_exact=True,
        )


@pytest.mark.parametrize("kind", READERS)
def test_columns_that_the_run_lacks_are_there_and_empty(exported: Path, kind: str) -> None:
    first, second = rows_of(READERS[kind](exported, "gold_campaign"))
    assert [*first] == [column.name for column in TABLES["gold_campaign"].columns]
    assert (first["customer_id"], first["segment"], first["p_response"]) == ("ö\n'1", "", None)
    assert (second["p_response"], second["is_contacted"]) == (0.5, 2**40)
    assert {first[name] for name in ("offer", "cost", "campaign_day", "in_hold_out")} == {None}
    assert first["as_of"] == DAY


@pytest.mark.parametrize("kind", READERS)
def test_a_table_that_is_not_there_yet_has_its_columns_and_no_row(
    exported: Path, kind: str
) -> None:
    for name in ("gold_campaign_results", "gold_moves", "gold_movers"):
        found = READERS[kind](exported, name)
        assert found.num_rows == 0
        assert found.column_names == [column.name for column in TABLES[name].columns]


def test_types_of_columns_without_a_value_are_as_declared(exported: Path) -> None:
    table = from_hyper(exported, "gold_campaign_results")
    assert table.schema.field("contacted").type == pa.int64()
    assert table.schema.field("profit").type == pa.float64()
    frame = sbdf.import_data(str(exported / "gold_campaign_results.sbdf"))
    assert frame["contacted"].attrs["spotfire_type"] == "LongInteger"
    assert frame["verdict"].attrs["spotfire_type"] == "String"


def test_nothing_but_the_files_is_left_and_the_reader_is_told_what_they_are(
    run: Project, tmp_path: Path
) -> None:
    before = {path.name for path in run.root.iterdir()}
    result = run.kedro("export", str(tmp_path), "--format=hyper")
    assert result.exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["gold.hyper"]
    # Hyper leaves a log where it is started, if it is let.
    assert {path.name for path in run.root.iterdir()} == before
    assert "Not there yet, so without rows: gold_movers" not in result.output
    assert "gold_campaign_results" in result.output
    assert "kedro forget" in result.output


def test_exporting_again_replaces_the_files(run: Project, tmp_path: Path) -> None:
    (tmp_path / "gold_segments.parquet").write_bytes(b"of before")
    assert run.kedro("export", str(tmp_path)).exit_code == 0
    assert pq.read_table(tmp_path / "gold_segments.parquet").num_rows == 2202


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--env=prod",), "prod has no gold table yet: kedro run --env=prod makes them"),
        (("--env=staging",), "staging has no bucket yet"),
        (("--env=databricks",), "connect the BI tool to the workspace's SQL instead"),
        (("--env=nowhere",), "there is no environment `nowhere`"),
        (("--format=xls",), "'xls' is not one of"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(
    run: Project, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = run.kedro("export", str(tmp_path / "out"), *arguments)
    assert result.exit_code != 0
    assert told in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("package", "kind"), [("pantab", "hyper"), ("spotfire", "sbdf")])
def test_a_package_that_is_missing_is_named(
    run: Project, tmp_path: Path, package: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = run.kedro("export", str(tmp_path), f"--format={kind}")
    assert result.exit_code == 1
    assert f"no package {package} here: pip install 'customer_segmentation[bi]'" in result.output
    assert [*tmp_path.iterdir()] == []


def test_the_extra_of_files_needs_nothing_of_the_server() -> None:
    blocked = ("litestar", "msgspec", "uvicorn", "duckdb", "sqlglot", "feast", "pyspark")
    text = f"import sys; sys.modules.update(dict.fromkeys({blocked})); {_IMPORT}"
    subprocess.run([sys.executable, "-c", text], check=True, timeout=120)  # noqa: S603 - ours


def test_half_of_a_run_is_not_exported(
    run: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = Ledger({}, {}, publishing=object())
    monkeypatch.setattr(Left, "ledger", lambda _: half)
    result = run.kedro("export", str(tmp_path / "out"))
    assert "dev is publishing the outputs of a run" in result.output
    assert not (tmp_path / "out").exists()


def evaluated(folder: Path, customers: pd.DataFrame, artifact: Path) -> tuple[Any, Path]:
    """The data function, run as Spotfire runs it."""
    paths = {name: folder / f"{name}.sbdf" for name in ("customers", "artifact", "answers")}
    sbdf.export_data(customers, str(paths["customers"]))
    sbdf.export_data(pd.DataFrame({"artifact": [str(artifact)]}), str(paths["artifact"]))
    spec = AnalyticSpec(
        "script",
        [
            AnalyticInput("customers", "table", str(paths["customers"])),
            AnalyticInput("artifact", "value", str(paths["artifact"])),
        ],
        [AnalyticOutput("answers", str(paths["answers"]))],
        SCRIPT.read_text(),
    )
    return spec.evaluate(), paths["answers"]


def test_the_data_function_of_spotfire_answers_as_the_run_did(
    run: Project, exported: Path, tmp_path: Path
) -> None:
    (artifact,) = (run.root / "data" / "models").glob("candidate/segmenter.onnx")
    customers = sbdf.import_data(str(exported / "gold_features.sbdf"))
    result, answers = evaluated(tmp_path, customers, artifact)
    assert result.success, result.summary
    found = rows_of(from_sbdf(tmp_path, answers.stem))
    expected = {row["customer_id"]: row for row in rows_of(from_sbdf(exported, "gold_segments"))}
    assert len(found) == 2202
    for row in found:
        assert row == {name: expected[row["customer_id"]][name] for name in row}


def test_the_data_function_gives_no_segment_where_an_input_is_missing(
    run: Project, exported: Path, tmp_path: Path
) -> None:
    customers = sbdf.import_data(str(exported / "gold_features.sbdf")).head(2)
    customers.loc[0, "income"] = None
    (artifact,) = (run.root / "data" / "models").glob("candidate/segmenter.onnx")
    result, _ = evaluated(tmp_path, customers, artifact)
    assert result.success, result.summary
    first, second = rows_of(from_sbdf(tmp_path, "answers"))
    assert {value for name, value in first.items() if name != "customer_id"} == {None}
    assert second["segment"]


def test_the_data_function_says_which_column_it_lacks(
    run: Project, exported: Path, tmp_path: Path
) -> None:
    customers = sbdf.import_data(str(exported / "gold_features.sbdf")).drop(columns="income")
    (artifact,) = (run.root / "data" / "models").glob("candidate/segmenter.onnx")
    result, _ = evaluated(tmp_path, customers, artifact)
    assert not result.success
    assert "the table `customers` has no income: take gold_features" in result.summary


def test_delta_tables_are_exported_without_java(run: Project, tmp_path: Path) -> None:
    import deltalake  # noqa: PLC0415 - slow

    project = Project(tmp_path / "project")
    shutil.copytree(run.root, project.root)
    gold = project.root / "data" / "prod" / "gold"
    table = pq.read_table(run.root / "data" / "gold" / "segments.parquet")
    deltalake.write_deltalake(gold / "segments", table)
    result = project.kedro("export", str(tmp_path / "out"), "--env=prod")
    assert result.exit_code == 0, result.output
    assert pq.read_table(tmp_path / "out" / "gold_segments.parquet").num_rows == table.num_rows
