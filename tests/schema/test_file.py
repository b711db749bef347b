"""The file of the schema in use: how it is chosen, and where something is wrong in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.schema.file import (
    SETTING,
    checked_schema,
    chosen_schema,
    merged_schema,
    schema_problem,
)
from customer_segmentation.schema.schema import Schema
from customer_segmentation.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS
from tests.marketing import FOLDER, SCHEMA, changed

CONFIGURATION = FOLDER.parent


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default schema's file, copied and chosen by its path."""
    copied = tmp_path / "mine.yml"
    shutil.copy(FOLDER / "marketing_campaign.yml", copied)
    monkeypatch.setenv(SETTING, str(copied))
    return copied


def test_a_name_is_of_the_folder_of_schemas_and_a_path_is_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_schema() == Path("conf/schemas/marketing_campaign.yml")
    monkeypatch.setenv(SETTING, "wholesale")
    assert chosen_schema(Path("there")) == Path("there/schemas/wholesale.yml")
    for path in ("mine.yml", "/elsewhere/mine.yaml"):
        monkeypatch.setenv(SETTING, path)
        assert chosen_schema(Path("there")) == Path(path)


def test_the_schemas_that_are_there_are_named_where_the_chosen_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SETTING, "wholesaler")
    with pytest.raises(UserError, match=r"wholesaler\.yml is not there: name one of .*wholesale"):
        merged_schema(CONFIGURATION, {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "mine.yml: while parsing"),
        ("- a\n- b\n", "mine.yml: "),
        ("\xff", "mine.yml: "),
    ],
)
def test_a_file_that_is_no_block_of_keys_is_refused_in_one_line(
    content: str, message: str, file: Path
) -> None:
    file.write_text(content, encoding="latin-1")
    with pytest.raises(UserError) as caught:
        merged_schema(CONFIGURATION, {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_changes_are_merged_over_what_the_file_says() -> None:
    changes = {"as_of": "2015-01-31", "columns": {"income": {"maximum": 5}}}
    merged = merged_schema(CONFIGURATION, changes)
    block = SCHEMA.model_dump(mode="json")
    expected = changed(block, ("as_of", "2015-01-31"), ("columns.income.maximum", 5.0))
    assert Schema.model_validate(merged).model_dump(mode="json") == expected


def test_kedro_loads_the_chosen_file_as_the_block_customers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SETTING, "wholesale")
    changes = {"customers": {"money": {"unit": "euros"}}}
    loader = CONFIG_LOADER_CLASS(str(CONFIGURATION), runtime_params=changes, **CONFIG_LOADER_ARGS)
    schema = Schema.model_validate(loader["parameters"]["customers"])
    assert schema.money.model_dump() == {"unit": "euros", "period": "a year"}
    assert "spend_detergents" in schema.columns


@pytest.mark.parametrize(
    ("path", "problem", "key", "told", "line"),
    [
        ("columns.income.kind", "no", "customers.columns.income.kind", "no", "    {kind: money"),
        ("", "roles.income: no", "customers.roles.income", "no", "  income: income"),
        (
            "",
            "columns.spend_{product}: no: none",
            "customers.columns.spend_{product}",
            "no: none",
            "  spend_{product}:",
        ),
        ("columns.nobody", "no", "customers.columns.nobody", "no", "columns:"),
        ("", "columns: `a b`: no", "customers.columns", "`a b`: no", "columns:"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(  # noqa: PLR0913, PLR0917 - all of a message
    path: str, problem: str, key: str, told: str, line: str, file: Path
) -> None:
    lines = file.read_text().splitlines()
    number = next(n for n, text in enumerate(lines, 1) if text.startswith(line))
    if path == "columns.income.kind":
        number = lines.index("  income:") + 2
    assert schema_problem(path, problem) == f"`{key}`: {told} ({file}, line {number})"


def test_a_problem_of_the_whole_has_no_line(file: Path) -> None:
    assert schema_problem("", "two of them differ") == f"`customers`: two of them differ ({file})"
    assert schema_problem("as_off", "no") == f"`customers.as_off`: no ({file})"


def test_a_wrong_block_is_refused_with_every_problem(
    customers_block: dict[str, Any], file: Path
) -> None:
    wrong = changed(customers_block, ("as_of", "soon"), ("columns.income.unit", 5))
    with pytest.raises(UserError) as caught:
        checked_schema(wrong)
    first, second = str(caught.value).removeprefix("wrong parameters: ").split("; ")
    assert first.startswith("`customers.as_of`: Input should be a valid date")
    assert second.startswith("`customers.columns.income.unit`: Input should be a valid string")
    assert second.endswith(f"({file}, line {file.read_text().splitlines().index('  income:') + 1})")
    assert checked_schema(customers_block) == checked_schema(SCHEMA) == SCHEMA
