"""A whole run: what it makes, that it makes the same again, and what it says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from click.testing import Result

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.scoring.scorer import Scorer
from tests.runs.project import Project, make_project

GOLD = ("features", "segments", "unsegmented", "segment_profiles", "feature_table")
SAMPLE = "data/sample/customers.csv"
KINDS = ("segmenter", "cold_start", "response")
TO_SEGMENTS = "--pipelines=ingestion,preprocessing,clustering,label_generation"


def gold(project: Project) -> dict[str, pd.DataFrame]:
    folder = project.root / "data" / "gold"
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in GOLD}


def artifacts(project: Project) -> dict[str, bytes]:
    folder = project.root / "data" / "models" / "candidate"
    return {name: (folder / f"{name}.onnx").read_bytes() for name in KINDS}


def store_of(project: Project) -> BundleStore:
    return BundleStore(str(project.root / "data" / "models"), "dev")


def assert_same_results(left: Project, right: Project) -> None:
    for name, table in gold(left).items():
        pd.testing.assert_frame_equal(table, gold(right)[name], check_exact=True, obj=name)
    assert artifacts(left) == artifacts(right)


def answers(project: Project) -> str:
    """A hash of every customer's answers; margins are left out, whose last digits a CPU decides."""
    table = gold_segments(project).drop(columns=["as_of", "margin", "artifact_version"])
    text = table.sort_values("customer_id").to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def without_unknown_status(file: Path, target: Path) -> Path:
    """The file without the four customers whose marital status says nothing.

    They were left out until a column that nothing chosen needs no longer condemned a row.
    """
    lines = file.read_text().splitlines(keepends=True)
    kept = [line for line in lines if "\tYOLO\t" not in line and "\tAbsurd\t" not in line]
    assert len(lines) - len(kept) == 4
    target.write_text("".join(kept))
    return target


def reasons(project: Project) -> list[str]:
    table = pd.read_parquet(project.root / "data" / "silver" / "quarantine.parquet")
    return sorted(table["customer_id"] + ": " + table["reasons"])


def test_it_ends_with_the_segments_in_five_lines_the_account_and_the_report(
    whole_run: tuple[Project, Result],
) -> None:
    project, result = whole_run
    *_, summary, monitoring, account, report = result.output.rstrip().split("\n\n")
    assert len(summary.splitlines()) <= 5
    assert "silhouette" in summary
    said, page = monitoring.splitlines()
    assert said == (
        "Monitoring: the customers of 2014-06-30 are compared with nothing: no champion was live "
        "before this run."
    )
    assert Path(page.removeprefix("Page: ")).samefile(
        project.root / "data" / "reporting" / "monitoring.html"
    )
    assert account.splitlines() == [
        "customers.csv: 2,240 rows, 2,202 customers kept (98 %), 27 left out, 11 repeats removed",
        "Left out most often for: income: missing (24); year_birth: age outside 18 to 100 (3)",
        "Kept, with an unusable optional value dropped: marital_status: unknown category (4)",
        "As of 2014-06-30 (customers.as_of); newest enrolled_on 2014-06-29, read as %d-%m-%Y",
        "Columns read: 27 of 29; ignored: Z_CostContact, Z_Revenue",
    ]
    assert report.startswith("Report: ")
    assert Path(report.removeprefix("Report: ")).samefile(
        project.root / "data" / "reporting" / "report.html"
    )


def test_every_customer_of_silver_has_one_segment_and_the_rest_a_reason(
    whole_run: tuple[Project, Result],
) -> None:
    data = whole_run[0].root / "data"
    accounting = json.loads((data / "reporting" / "row_accounting.json").read_text())
    tables = gold(whole_run[0])
    assert accounting["rows_in"] == 2240
    assert len(tables["segments"]) == accounting["customers"]
    assert tables["segments"]["customer_id"].is_unique
    assert len(tables["unsegmented"]) == accounting["quarantined"]
    assert (tables["unsegmented"]["reasons"] != "").all()
    assert accounting["repeats"] == 11
    assert set(tables["segments"]["segment"]) == {"high_value", "price_sensitive", "low_spend"}


def test_a_customer_has_the_same_answer_alone_as_in_the_batch(
    whole_run: tuple[Project, Result],
) -> None:
    project, _ = whole_run
    champion = store_of(project).champion()
    assert champion
    scorer = Scorer(champion.files[SEGMENTER])
    features = pd.read_parquet(project.root / "data" / "gold" / "features.parquet")
    segments = gold(project)["segments"]
    for row in (0, 7, len(features) - 1):
        one = scorer.score(features.loc[[row], list(scorer.columns)].to_numpy())
        assert one["segment"][0] == segments["segment_id"][row]
        assert one["margin"][0] == segments["margin"][row]
    assert set(segments["artifact_version"]) == {scorer.version}


def test_the_candidate_of_a_whole_run_in_dev_is_the_champion(
    whole_run: tuple[Project, Result],
) -> None:
    store = store_of(whole_run[0])
    live, champion = store.live(), store.champion()
    assert live
    assert champion
    assert champion.id == store.candidate()
    assert live.kind == "whole run"
    assert live.run_id
    for name, content in artifacts(whole_run[0]).items():
        assert champion.files[f"{name}.onnx"] == content


def test_one_pipeline_alone_leaves_the_champion_and_names_its_data(used_project: Project) -> None:
    before = store_of(used_project).log()
    result = used_project.run("--pipeline=clustering")
    assert result.exit_code == 0, result.output
    assert store_of(used_project).log() == before
    accounting = json.loads((used_project.root / "data/reporting/row_accounting.json").read_text())
    run = mlflow.last_active_run()
    assert run.info.run_name == "clustering"
    assert run.data.tags["source_sha256"] == accounting["source_sha256"]


def test_two_runs_on_one_input_give_the_same_tables_and_artifacts(
    quick_run: Project, used_project: Project
) -> None:
    result = used_project.run()
    assert result.exit_code == 0, result.output
    assert_same_results(quick_run, used_project)


def test_rows_in_another_order_change_nothing(quick_run: Project, new_project: Project) -> None:
    new_project.make_quick()
    sample = new_project.root / SAMPLE
    header, *rows = sample.read_bytes().decode().split("\r\n")
    rows = [row for row in rows if row]
    sample.write_bytes("\r\n".join([header, *rows[::-1], ""]).encode())
    result = new_project.run(f"{TO_SEGMENTS},lifetime_value,supervised_training,feature_export")
    assert result.exit_code == 0, result.output
    left, right = gold(quick_run), gold(new_project)
    # Where a row stood is the one thing that another order changes.
    for tables in (left, right):
        tables["unsegmented"] = (
            tables["unsegmented"]
            .drop(columns="row_number")
            .sort_values(["customer_id", "reasons"], ignore_index=True)
        )
    for name, table in left.items():
        pd.testing.assert_frame_equal(table, right[name], check_exact=True, obj=name)
    assert artifacts(quick_run) == artifacts(new_project)
    assert reasons(quick_run) == reasons(new_project)


@pytest.mark.parametrize(
    "pipeline",
    [
        "ingestion",
        "preprocessing",
        "eda",
        "clustering",
        "label_generation",
        "history",
        "supervised_training",
        "feature_export",
        "monitoring",
        "reporting",
    ],
)
def test_each_pipeline_runs_alone_from_what_earlier_ones_saved(
    used_project: Project, pipeline: str
) -> None:
    result = used_project.run(f"--pipeline={pipeline}")
    assert result.exit_code == 0, result.output


def test_mlflow_keeps_parameters_metrics_figures_artifacts_and_the_data_hash(
    whole_run: tuple[Project, Result],
) -> None:
    project, _ = whole_run
    accounting = json.loads((project.root / "data/reporting/row_accounting.json").read_text())
    with sqlite3.connect(project.root / "mlflow.db") as database:
        run, location = database.execute("select run_uuid, artifact_uri from runs").fetchone()

        def rows(table: str) -> list[tuple[str, str, int]]:
            columns = "key, value, step" if table == "metrics" else "key, value, 0"
            query = f"select {columns} from {table} where run_uuid = ?"  # noqa: S608 - no input
            return database.execute(query, (run,)).fetchall()

        parameters = {key: value for key, value, _ in rows("params")}
        assert parameters["clustering.k.minimum"] == "3"
        assert parameters["customers.as_of"] == "2014-06-30"
        steps = [step for key, _, step in rows("metrics") if key == "clustering.silhouette"]
        assert sorted(steps) == list(range(2, 11))
        assert "clustering.chosen_silhouette" in {key for key, _, _ in rows("metrics")}
        tags = {key: value for key, value, _ in rows("tags")}
        assert tags["source_sha256"] == accounting["source_sha256"]
    kept = {path.name for path in Path(location.removeprefix("file://")).rglob("*")}
    expected = {*(f"{kind}.onnx" for kind in KINDS), "report.html", "segments.png", "schema.json"}
    assert expected <= kept


def test_every_answer_on_the_sample_is_as_it_was(whole_run: tuple[Project, Result]) -> None:
    assert answers(whole_run[0]).startswith("2a8433e97a5d8646")


def test_every_answer_without_unknown_status_is_as_it_was_when_they_were_left_out(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = without_unknown_status(new_project.root / SAMPLE, new_project.root / "less.csv")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    assert new_project.run(TO_SEGMENTS).exit_code == 0
    assert answers(new_project).startswith("eb1576b554bc5325")


def test_nothing_is_pickled(whole_run: tuple[Project, Result]) -> None:
    root = whole_run[0].root
    kept = [path for folder in ("data", "mlruns") for path in (root / folder).rglob("*.*")]
    assert {"segmenter.onnx", "segments.parquet", "metrics.json"} <= {path.name for path in kept}
    for path in filter(Path.is_file, kept):
        assert path.suffix not in {".pkl", ".pickle", ".joblib"}
        # A pickle of protocol 2 or above begins so and ends with a full stop.
        content = path.read_bytes()
        assert not (content[:1] == b"\x80" and content[-1:] == b".")


@pytest.fixture(scope="module")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Project:
    named = os.environ.get("SEGMENTATION_REAL_CSV")
    if not named:
        pytest.skip("the published file is not shipped: set SEGMENTATION_REAL_CSV to its path")
    project = make_project(tmp_path_factory.mktemp("real"))
    placed = project.root / "data" / "source" / "customers.csv"
    placed.parent.mkdir()
    shutil.copy(named, placed)
    result = project.run()
    assert result.exit_code == 0, result.output
    return project


def test_the_public_file_runs_from_the_documented_place(real_run: Project) -> None:
    accounting = json.loads((real_run.root / "data/reporting/row_accounting.json").read_text())
    assert accounting["rows_in"] == 2240
    assert accounting["customers"] == 2213
    assert accounting["repeats"] == 0
    assert accounting["reasons"] == {
        "income: missing": 24,
        "year_birth: age outside 18 to 100": 3,
    }
    assert accounting["lost_values"] == {"marital_status: unknown category": 4}


def test_every_answer_on_the_public_file_is_as_it_was(
    real_run: Project, new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(real_run).startswith("d39c0196a3540358")
    placed = real_run.root / "data" / "source" / "customers.csv"
    file = without_unknown_status(placed, new_project.root / "less.csv")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    assert new_project.run(TO_SEGMENTS).exit_code == 0
    assert answers(new_project).startswith("282e14246eea5203")


def test_the_public_file_has_three_clear_and_stable_segments(real_run: Project) -> None:
    summary = json.loads((real_run.root / "data/reporting/clustering.json").read_text())
    assert summary["k"] == 3
    assert summary["silhouette"] >= 0.32
    assert summary["stability"] >= 0.95
    assert summary["segments"] == ["High-value", "Price-sensitive", "Low-spend"]


def test_the_segments_of_the_public_file_do_what_their_names_say(real_run: Project) -> None:
    profiles = gold(real_run)["segment_profiles"]
    index = profiles.pivot_table("index", "measure", "segment")
    assert index.loc["spend_total", "high_value"] > 180
    assert index.loc["spend_total", "low_spend"] < 40
    assert index.loc["purchases_deals", "price_sensitive"] > 150
    assert index.loc["waits_for_offers=yes", "price_sensitive"] > 200
    assert index.loc["waits_for_offers=yes", "high_value"] < 20


def test_the_cold_start_model_beats_its_baseline_on_the_public_file(real_run: Project) -> None:
    metrics = json.loads((real_run.root / "data/reporting/supervised/metrics.json").read_text())
    models = metrics["cold_start"]["models"]
    assert models["logistic_regression"]["balanced_accuracy"]["mean"] > 0.7
    assert models["baseline"]["balanced_accuracy"]["mean"] < 0.4


def test_the_response_model_pays_on_the_public_file(real_run: Project) -> None:
    metrics = json.loads((real_run.root / "data/reporting/supervised/metrics.json").read_text())
    found = metrics["response"]
    (row,) = (one for one in found["policies"] if one["cost"] == found["cost"] == 3.0)
    assert found["value"] == 11.0
    assert found["measured"]["roc_auc"] > 0.89
    assert row["profits"]["model"] > 1_250
    assert row["profits"]["everybody"] < -2_900
    assert row["interval"][0] > max(row["profits"]["segments"], 0.0)
    # Its probabilities can be taken as they are.
    assert abs(found["calibration"]["slope"] - 1.0) < 0.15


def rewrite_sample(project: Project, separator: str, headers: dict[str, str | None]) -> None:
    """The sample as another company would send it: headers renamed, or columns left out."""
    sample = project.root / SAMPLE
    lines = [line.split("\t") for line in sample.read_text().splitlines()]
    kept = [i for i, name in enumerate(lines[0]) if headers.get(name, name) is not None]
    lines[0] = [str(headers.get(name, name)) for name in lines[0]]
    sample.write_text("".join(separator.join(row[i] for i in kept) + "\n" for row in lines))


def test_another_companys_export_is_a_mapping(
    whole_run: tuple[Project, Result], new_project: Project
) -> None:
    rewrite_sample(
        new_project, ";", {"ID": "client", "Income": " Income (EUR/year) ", "MntWines": "wine"}
    )
    file = new_project.root / "conf" / "schemas" / "marketing_campaign.yml"
    text = file.read_text().replace("headers: [ID]", "headers: [client]")
    text = text.replace("headers: [Income]", "headers: [Income (EUR/year)]")
    file.write_text(text.replace("wines: [MntWines]", "wines: [wine]"))
    result = new_project.run(TO_SEGMENTS)
    assert result.exit_code == 0, result.output
    # An artifact says how records are read: another mapping makes another version.
    theirs, ours = (
        gold_segments(project).drop(columns="artifact_version")
        for project in (whole_run[0], new_project)
    )
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)


def gold_segments(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.root / "data" / "gold" / "segments.parquet")


def test_columns_that_no_selected_feature_needs_may_be_absent(
    new_project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    absent = (
        "Education Marital_Status Kidhome Dt_Customer Recency NumCatalogPurchases "
        "AcceptedCmp3 Response Complain"
    )
    rewrite_sample(new_project, ",", dict.fromkeys(absent.split()))
    new_project.make_quick()
    result = new_project.run()
    assert result.exit_code == 0, result.output
    assert "recency_days" in caplog.text
    assert "left out" in caplog.text
    assert "channel" not in gold_segments(new_project).columns
    assert "waits_for_offers" not in gold_segments(new_project).columns
    assert set(gold_segments(new_project)["segment"]) == {
        "high_value",
        "price_sensitive",
        "low_spend",
    }
