"""Tables and files that do not belong together are never joined, nor kept as if they did."""

from __future__ import annotations

import json
import os
from typing import Any

import pandas as pd
import pytest

from tests.runs.project import Project

SAMPLE = "data/sample/customers.csv"
LATER_STEPS = "label_generation,history,lifetime_value,supervised_training,monitoring,reporting"
AFTER_CLUSTERING = f"kedro run --pipelines={LATER_STEPS}"


def ledger(project: Project) -> dict[str, Any]:
    return json.loads((project.root / "data" / "lineage.json").read_text())


def run(project: Project, *arguments: str) -> None:
    result = project.run(*arguments)
    assert result.exit_code == 0, result.output


def refused(project: Project, *arguments: str) -> str:
    before = project.files()
    result = project.run(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    assert result.output.count("Error: ") == 1
    assert project.files() == before
    return result.output[result.output.index("Error: ") :].strip()


def change_source(project: Project) -> None:
    """Another source of the same name, size and date."""
    sample = project.root / SAMPLE
    found, content = sample.stat(), sample.read_bytes()
    changed = content.replace(b"\t58946\t", b"\t58947\t", 1)
    assert changed != content
    sample.write_bytes(changed)
    os.utime(sample, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_every_table_and_file_names_the_source_and_the_artifact_it_was_made_from(
    quick_run: Project,
) -> None:
    told = ledger(quick_run)["tables_and_files"]
    accounting = json.loads((quick_run.root / "data/reporting/row_accounting.json").read_text())
    assert {entry["source_sha256"] for entry in told.values()} == {accounting["source_sha256"]}
    segments = pd.read_parquet(quick_run.root / "data/gold/segments.parquet")
    (version,) = set(segments["artifact_version"])
    for name in ("segmenter_candidate", "gold_segments", "report", "supervised_metrics"):
        assert told[name]["artifact_version"] == version
    assert told["gold_features"]["artifact_version"] is None
    files = {path.name for path in (quick_run.root / "data").rglob("*.*") if path.is_file()}
    expected = {"segments.parquet", "report.html", "clustering.json", "relations.csv"}
    assert expected <= files
    assert {"gold_segments", "report", "clustering_summary", "eda_relations"} <= set(told)


def test_a_segmenter_of_other_parameters_is_not_reported_with_labels_of_the_old_one(
    used_project: Project,
) -> None:
    report = used_project.root / "data/reporting/report.html"
    before = report.read_bytes()
    run(used_project, "--pipeline=clustering", "--params=clustering.k.minimum=4")
    message = refused(used_project, "--pipeline=reporting")
    assert "clustering.k.minimum" in message
    assert "gold_segment_profiles" in message
    assert message.endswith(AFTER_CLUSTERING)
    assert report.read_bytes() == before
    run(used_project, AFTER_CLUSTERING.removeprefix("kedro run "))
    assert report.read_bytes() != before
    run(used_project, "--pipeline=reporting")


def test_a_source_of_the_same_size_is_not_reported_with_segments_of_the_old_one(
    used_project: Project,
) -> None:
    change_source(used_project)
    run(used_project, "--pipelines=ingestion,preprocessing")
    message = refused(used_project, "--pipeline=reporting")
    assert "states of source" in message
    assert message.endswith(f"kedro run --pipelines=eda,clustering,{LATER_STEPS}")
    assert "Run kedro run --pipelines=clustering,label_generation" in refused(
        used_project, "--pipeline=label_generation"
    )


def test_features_cleaned_for_other_parameters_are_not_clustered(used_project: Project) -> None:
    features = ["age", "income", "spend_total", "purchases_deals", "web_visits_month"]
    used_project.declare({"segment_features": features})
    message = refused(used_project, "--pipelines=clustering,label_generation")
    assert "customers.segment_features" in message
    assert message.endswith("--pipelines=ingestion,preprocessing,clustering,label_generation")


def test_an_artifact_is_not_made_with_another_day_than_its_table(used_project: Project) -> None:
    given = refused(used_project, "--pipeline=clustering", "--params=customers.as_of=2014-07-01")
    assert "customers.as_of was 2014-06-30 for gold_features" in given
    assert "and 2014-07-01 for this run" in given
    assert given.endswith("--pipelines=ingestion,preprocessing,clustering with the same --params")


@pytest.mark.parametrize("name", ["gold_segments", "segmenter_candidate"])
def test_what_was_changed_by_hand_is_joined_with_nothing(used_project: Project, name: str) -> None:
    if name == "gold_segments":
        path = used_project.root / "data/gold/segments.parquet"
        pd.read_parquet(path).head(2000).to_parquet(path, index=False)
    else:
        path = used_project.root / "data/models/candidate/segmenter.onnx"
        path.write_bytes(path.read_bytes() + b"\x00")
    message = refused(used_project, "--pipelines=supervised_training")
    assert f"{name} was made by an older version, or changed by hand" in message


def test_tables_that_were_only_copied_are_still_what_they_were(used_project: Project) -> None:
    for path in (used_project.root / "data").rglob("*"):
        os.utime(path, (0, 0))
    run(used_project, "--pipeline=reporting")


def test_what_an_older_version_left_is_made_anew_and_never_in_the_way_of_a_whole_run(
    used_project: Project,
) -> None:
    (used_project.root / "data" / "lineage.json").unlink()
    message = refused(used_project, "--pipeline=reporting")
    assert "made by an older version" in message
    assert "Run kedro run --pipelines=ingestion,preprocessing,eda,clustering" in message
    run(used_project)
    run(used_project, "--pipeline=reporting")


def test_a_damaged_ledger_is_named(used_project: Project) -> None:
    path = used_project.root / "data" / "lineage.json"
    path.write_text("{}")
    assert f"{path.relative_to(used_project.root)} is not as a run wrote it" in refused(
        used_project, "--pipeline=reporting"
    )


def test_an_entry_with_a_key_of_newer_code_is_not_read_in_part(used_project: Project) -> None:
    known = ledger(used_project)
    known["tables_and_files"]["gold_segments"]["signed_by"] = "somebody"
    (used_project.root / "data" / "lineage.json").write_text(json.dumps(known))
    assert "lineage.json is not as a run wrote it" in refused(used_project, "--pipelines=reporting")


def test_only_missing_outputs_makes_what_is_missing(used_project: Project) -> None:
    report = used_project.root / "data/reporting/report.html"
    before = report.read_bytes()
    report.unlink()
    run(used_project, "--only-missing-outputs")
    assert report.read_bytes() == before


def test_only_missing_outputs_keeps_nothing_of_another_source(used_project: Project) -> None:
    change_source(used_project)
    message = refused(used_project, "--only-missing-outputs")
    assert "from another source" in message
    assert message.endswith("Run kedro run first, without that option")


def test_only_missing_outputs_keeps_nothing_of_other_parameters(used_project: Project) -> None:
    (used_project.root / "data/reporting/report.html").unlink()
    message = refused(used_project, "--only-missing-outputs", "--params=clustering.seed=2")
    assert "with clustering.seed=1, which is 2 now" in message


def test_only_missing_outputs_keeps_nothing_that_was_changed_by_hand(used_project: Project) -> None:
    path = used_project.root / "data/gold/segments.parquet"
    pd.read_parquet(path).head(2000).to_parquet(path, index=False)
    assert "gold_segments (made by an older version, or by hand)" in refused(
        used_project, "--only-missing-outputs"
    )
