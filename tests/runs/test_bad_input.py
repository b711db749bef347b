"""Bad input ends with one clear message, a non-zero exit, and outputs as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.project import Project

SAMPLE = "data/sample/customers.csv"


def lines_of_sample(project: Project) -> list[str]:
    return (project.root / SAMPLE).read_bytes().decode().split("\r\n")


def place(project: Project, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> Path:
    path = project.root / "export.csv"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(path))
    return path


def assert_refused(project: Project, arguments: list[str], words: list[str]) -> None:
    before = project.files()
    result = project.run(*arguments)
    assert result.exit_code == 1
    message = result.output[result.output.index("Error: ") :]
    assert "Traceback" not in result.output
    assert result.output.count("Error: ") == 1
    for word in words:
        assert word in message
    # Whatever it had made by the time it stopped.
    assert project.files() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["export.csv", "no such file", "SEGMENTATION_SOURCE"]),
        (b"", ["export.csv", "empty"]),
        (b"\r\n  \r\n", ["export.csv", "empty"]),
        (b"ID:Income\n1:2\n", ["export.csv", "one column", "tab, comma, semicolon"]),
        (b"ID\tIncome\n", ["export.csv", "no row"]),
    ],
    ids=["missing", "empty", "blank", "delimiter", "header-only"],
)
def test_a_file_that_holds_no_table_changes_nothing(
    used_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    words: list[str],
) -> None:
    place(used_project, monkeypatch, content)
    assert_refused(used_project, [], words)


def test_a_header_without_a_required_column_names_it_and_its_header(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "\r\n".join(lines_of_sample(used_project)).replace("\tIncome\t", "\tEarnings\t", 1)
    place(used_project, monkeypatch, content.encode())
    words = ["export.csv", "`income`", "Income", "conf/schemas/marketing_campaign.yml"]
    assert_refused(used_project, [], words)


def test_a_file_without_a_key_is_refused_before_bronze(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "\r\n".join(lines_of_sample(used_project)).replace("ID\t", "Number\t", 1)
    place(used_project, monkeypatch, content.encode())
    assert_refused(used_project, [], ["export.csv", "`customer_id`", "ID"])


def test_when_every_row_is_quarantined_the_reasons_are_told_and_nothing_is_written(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *rows = lines_of_sample(used_project)
    cells = [row.split("\t") for row in rows if row]
    income = header.split("\t").index("Income")
    content = [header, *("\t".join([*c[:income], "inf", *c[income + 1 :]]) for c in cells)]
    place(used_project, monkeypatch, "\r\n".join(content).encode())
    words = ["export.csv", "2,229 of 2,240 rows", "income: not finite", "max_left_out"]
    assert_refused(used_project, [], words)


def test_fewer_customers_than_clusters_is_refused(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(used_project, monkeypatch, "\r\n".join(lines_of_sample(used_project)[:8]).encode())
    words = ["gold_features", "too few for 3 segments", "at least 9", "clustering.k.minimum"]
    assert_refused(used_project, [], words)


def test_a_constant_feature_is_refused_by_name(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *rows = lines_of_sample(used_project)
    deals = header.split("\t").index("NumDealsPurchases")
    cells = [row.split("\t") for row in rows if row]
    content = [header, *("\t".join([*c[:deals], "2", *c[deals + 1 :]]) for c in cells)]
    place(used_project, monkeypatch, "\r\n".join(content).encode())
    words = ["`purchases_deals`", "one value", "customers.segment_features"]
    assert_refused(used_project, [], words)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("clustering.k.leest=3", ["clustering.k.leest", "not permitted"]),
        ("clustering.seed=x", ["clustering.seed", "integer", "x"]),
        ("customers.segment_features=income", ["customers.segment_features", "list"]),
        ("customers.as_of=soon", ["customers.as_of", "date", "soon"]),
        ("customers.columns.income.kind=mony", ["customers.columns.income.kind", "line "]),
        ("customers.features.age.formula=as_of.year - year_brith", ["did you mean year_birth?"]),
        ("eda.sample_rows=many", ["eda.sample_rows", "integer"]),
        ("supervised_training.folds=0", ["supervised_training.folds"]),
        ("clusterng.seed=3", ["clusterng", "no pipeline reads", "clustering"]),
        ("promotion.after_whole_run=maybe", ["promotion.after_whole_run", "valid boolean"]),
    ],
)
def test_a_wrong_parameter_is_named_before_any_data_is_read(
    used_project: Project, parameters: str, words: list[str]
) -> None:
    assert_refused(used_project, ["--params", parameters], words)


def test_campaign_answers_never_enter_the_clusters(used_project: Project) -> None:
    used_project.declare({"segment_features": ["income", "responded"]})
    assert_refused(used_project, [], ["customers.segment_features", "responded", "answers"])


FIRST_STEPS = "kedro run --pipelines=ingestion,preprocessing,clustering"


@pytest.mark.parametrize(
    ("pipeline", "missing", "command"),
    [
        ("clustering", "gold_features", "kedro run --pipelines=ingestion,preprocessing"),
        ("preprocessing", "bronze_customers", "kedro run --pipelines=ingestion"),
        (
            "label_generation",
            "segmenter_candidate",
            FIRST_STEPS,
        ),
        (
            "feature_export",
            "gold_features",
            f"{FIRST_STEPS},label_generation,lifetime_value",
        ),
    ],
)
def test_a_pipeline_with_nothing_saved_names_the_command_that_makes_its_inputs(
    new_project: Project, pipeline: str, missing: str, command: str
) -> None:
    result = new_project.run(f"--pipeline={pipeline}")
    assert result.exit_code == 1
    error = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(error) == 1
    assert missing in error[0]
    assert error[0].endswith(command)
    assert "Traceback" not in result.output


def test_a_pipeline_that_does_not_exist_is_named(new_project: Project) -> None:
    result = new_project.run("--pipeline=clusterin")
    assert result.exit_code == 1
    assert "Error: there is no pipeline `clusterin`" in result.output
    assert "clustering" in result.output
