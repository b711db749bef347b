"""The job of EMR and Glue: its arguments, and the small files that it hands to the next job."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.aws.job import job

# What Glue adds, before and after what the job is given.
OF_GLUE = ["--job-bookmark-option", "job-bookmark-disable", "--JOB_NAME", "shop-prod-ingestion"]
OF_GLUE += ["--datalake-formats", "delta", "--TempDir", "s3://aws-glue-assets/temporary/"]
STATE = "memory://prod/state"


def test_arguments_are_options_settings_and_a_place_for_small_files() -> None:
    given = ["--env", "prod", "--pipelines=ingestion,preprocessing", "--STATE", STATE]
    given += ["--SEGMENTATION_TABLES", "s3a://lake/prod", "--AWS_REGION=eu-central-1"]
    given += ["--OUTCOME=s3://results/outcomes/1/a.json"]
    options, settings, own = job.parsed([*OF_GLUE, *given, *OF_GLUE])
    assert options == {"env": "prod", "pipelines": "ingestion,preprocessing"}
    assert settings == {"SEGMENTATION_TABLES": "s3a://lake/prod", "AWS_REGION": "eu-central-1"}
    outcome = "s3://results/outcomes/1/a.json"
    assert own == {"STATE": STATE, "OUTCOME": outcome, "LANDING": ""}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a job on a new machine whose pipelines do what is told."""

    def start(name: str, does: Any, *arguments: str) -> list[str]:
        machine = tmp_path / name
        machine.mkdir()
        monkeypatch.chdir(machine)
        given: list[str] = []

        def pipelines(options: list[str]) -> None:
            given.extend(options)
            does(machine / "data" / "prod")

        monkeypatch.setattr(job, "run", pipelines)
        conf = "--conf-source=s3://lake/conf.tar.gz"
        job.main(["--env=prod", conf, f"--STATE={STATE}", *arguments])
        return given

    yield start
    files, place = job.url_to_fs(STATE)
    files.rm(place, recursive=True)


def write(name: str, text: str) -> Any:
    def does(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return does


def test_a_job_finds_the_small_files_of_the_one_before(run: Any) -> None:
    options = run("first", write("reporting/eda/summary.json", "{}"), "--pipelines", "eda")
    assert "--pipelines=eda" in options

    def look(folder: Path) -> None:
        assert (folder / "reporting" / "eda" / "summary.json").read_text() == "{}"

    run("second", look)


def test_a_job_leaves_alone_what_it_has_not_changed(run: Any) -> None:
    run("before", write("reporting/a.json", "old"))

    def meanwhile(folder: Path) -> None:
        # Another job, on another machine.
        files, place = job.url_to_fs(STATE)
        files.pipe_file(f"{place}/reporting/a.json", b"new")
        write("reporting/b.json", "mine")(folder)

    run("slow", meanwhile)

    def look(folder: Path) -> None:
        assert (folder / "reporting" / "a.json").read_text() == "new"
        assert (folder / "reporting" / "b.json").read_text() == "mine"

    run("after", look)


def test_a_file_that_a_job_removed_does_not_come_back(run: Any) -> None:
    run("made", write("reporting/gone.json", "{}"))
    run("removed", lambda folder: (folder / "reporting" / "gone.json").unlink())
    run("looked", lambda folder: _require(not (folder / "reporting" / "gone.json").exists()))


def test_a_gate_that_refuses_ends_the_job_and_leaves_its_reasons(run: Any) -> None:
    def refuse(folder: Path) -> None:
        write("reporting/promotion.json", '{"passed": false}')(folder)
        raise SystemExit(1)

    with pytest.raises(SystemExit) as ended:
        run("gate", refuse)
    assert ended.value.code == 1
    files, place = job.url_to_fs(STATE)
    assert files.cat_file(f"{place}/reporting/promotion.json") == b'{"passed": false}'


def test_personal_rows_are_no_small_files(run: Any) -> None:
    run("landed", write("landed/source.parquet", "customers"))
    files, place = job.url_to_fs(STATE)
    assert not files.exists(f"{place}/landed")
    files.makedirs(place, exist_ok=True)


def test_the_share_of_rows_left_out_is_told_for_an_alarm(tmp_path: Path) -> None:
    assert job.counted(tmp_path) == {}
    (tmp_path / "row_accounting.json").write_text('{"rows_in": 200, "quarantined": 50}')
    assert job.counted(tmp_path) == {"quarantined_share": 0.25}


def test_settings_are_variables_of_the_run(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_TABLES", "another's")

    def look(folder: Path) -> None:
        assert os.environ["SEGMENTATION_TABLES"] == "s3a://lake/prod"
        write("reporting/a.json", "{}")(folder)

    run("told", look, "--SEGMENTATION_TABLES", "s3a://lake/prod")


def test_a_run_without_a_file_takes_the_one_that_landed_last(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_SOURCE", "")
    landing = tmp_path / "lake"
    names = ("shop/late.csv.part", "empty.csv", "shop/new.csv", "crm/old.csv", ".hidden.csv")
    for age, name in enumerate(names):
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text("" if name == "empty.csv" else "customer_id")
        os.utime(landing / name, (1_000 - age, 1_000 - age))
    told = []

    def look(folder: Path) -> None:
        told.append(os.environ["SEGMENTATION_SOURCE"])
        write("reporting/a.json", "{}")(folder)

    at = landing.as_uri()
    run("scheduled", look, "--SEGMENTATION_SOURCE=", f"--LANDING={at}/")
    run("landed", look, "--SEGMENTATION_SOURCE=s3://lake/one.csv", f"--LANDING={at}/")
    run("before_any", look, "--SEGMENTATION_SOURCE=", f"--LANDING={at}/web/")
    assert told == [f"{at}/shop/new.csv", "s3://lake/one.csv", f"{at}/web/"]


def _require(is_so: bool) -> None:  # noqa: FBT001 - an assertion where only an expression may stand
    assert is_so
