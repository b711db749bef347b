from __future__ import annotations

from pathlib import Path

import pytest

from customer_segmentation.settings import (
    CONFIG_LOADER_ARGS,
    ConfigLoader,
    customer_source,
    named_path,
    setting,
)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGMENTATION_SOURCE", raising=False)
    return tmp_path


def test_without_anything_the_sample_is_the_source() -> None:
    assert customer_source("sample.csv") == "sample.csv"


def test_a_placed_file_comes_before_the_sample(empty_folder: Path) -> None:
    placed = empty_folder / "data" / "source" / "customers.csv"
    placed.parent.mkdir(parents=True)
    placed.touch()
    assert customer_source("sample.csv") == "data/source/customers.csv"


def test_a_placed_file_is_found_from_a_folder_below(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "pyproject.toml").write_text(
        '[tool.kedro]\npackage_name="p"\nproject_name="p"\nkedro_init_version="1.7.0"\n'
    )
    (empty_folder / "data" / "source").mkdir(parents=True)
    (empty_folder / "data" / "source" / "customers.csv").touch()
    (empty_folder / "notebooks").mkdir()
    monkeypatch.chdir(empty_folder / "notebooks")
    assert customer_source("sample.csv") == "data/source/customers.csv"


@pytest.mark.parametrize("named", ["/srv/export.csv", "s3://bucket/export.csv"])
def test_a_named_file_comes_first(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_SOURCE", named)
    assert customer_source("sample.csv") == named


def test_a_named_file_is_looked_for_where_the_person_is(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_SOURCE", "export.csv")
    project = empty_folder / "project"
    assert customer_source("sample.csv", project) == str(empty_folder / "export.csv")


@pytest.mark.parametrize("named", ["", "s3://bucket/*.csv", "/srv/members"])
def test_a_second_file_is_looked_for_likewise(
    named: str, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_CUSTOMERS", named)
    assert named_path("SEGMENTATION_CUSTOMERS") == named
    monkeypatch.setenv("SEGMENTATION_CUSTOMERS", "members.csv")
    assert named_path("SEGMENTATION_CUSTOMERS") == str(empty_folder / "members.csv")


def test_a_setting_is_what_the_machine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_BUCKET", "company-staging")
    assert setting("SEGMENTATION_BUCKET", "another") == "company-staging"


@pytest.mark.parametrize("said", [None, ""])
def test_a_setting_that_is_unset_or_empty_has_its_default(
    said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEGMENTATION_BUCKET", raising=False)
    if said is not None:
        monkeypatch.setenv("SEGMENTATION_BUCKET", said)
    assert setting("SEGMENTATION_BUCKET", "another") == "another"
    # As the configuration's resolver gives an empty default.
    assert setting("SEGMENTATION_BUCKET") == setting("SEGMENTATION_BUCKET", None) == ""


def test_another_environment_is_looked_into_and_this_one_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGMENTATION_BUCKET", "company-staging")
    configuration = Path(__file__).parents[1] / "conf"
    loader = ConfigLoader(str(configuration), "dev", **CONFIG_LOADER_ARGS)
    found = loader.elsewhere("staging")
    assert found["globals"]["tables"] == "s3://company-staging"
    assert found["catalog"]["silver_{table}"]["filepath"].startswith("s3://company-staging/silver")
    # Read anew each time.
    assert loader["catalog"]["silver_{table}"]["filepath"] == "data/silver/{table}.parquet"
    assert loader["globals"]["tables"] == "data"
