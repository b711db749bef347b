"""What `kedro propose` tells beside the schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.proposal.seen import Corrections
from customer_segmentation.propose import propose_files
from customer_segmentation.schema.file import read_schema
from tests.proposal.strangers import Stranger, dishes, french_export

ALLOWED = "preprocessing: {max_left_out: 0.05}\n"


def told(folder: Path, stranger: Stranger) -> list[str]:
    """The lines of a proposal below its table, in a project of its own."""
    (folder / "conf/base").mkdir(parents=True)
    (folder / "conf/base/parameters_preprocessing.yml").write_text(ALLOWED)
    file = folder / stranger.name
    file.write_bytes(stranger.content)
    lines = [*propose_files([file], folder / "conf", Corrections(as_of="2024-01-31"))]
    return lines[lines.index("") + 1 :]


@pytest.mark.parametrize(
    ("every", "option"), [(10, ' ARGS="--params=preprocessing.max_left_out=0.15"'), (50, "")]
)
def test_rows_that_a_run_would_leave_out_are_told_with_the_option_that_allows_them(
    tmp_path: Path, every: int, option: str
) -> None:
    header, *lines = dishes().content.decode().splitlines()
    # A line without its guest belongs to nobody.
    cells = [line.split(",") for line in lines]
    for row in cells[::every]:
        row[2] = ""
    content = "\n".join([header, *map(",".join, cells)]).encode()
    said = told(tmp_path, Stranger("dishes.csv", content, "Guest Card", {}))
    lost = "90 of 900 rows would be left out, for want of Guest Card (10 %). A run allows 5 %"
    assert any(line.startswith(lost) for line in said) is bool(option)
    assert said[-1].startswith("Next: SEGMENTATION_SCHEMA=dishes ")
    assert said[-1].endswith(f"make run{option}")


def test_a_file_of_windows_is_read_and_the_command_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    said = told(folder, french_export())
    assert said[-2].startswith("The file is not UTF-8 text, and was read as cp1252")
    assert f"SEGMENTATION_SOURCE='{folder}/clients.csv' SEGMENTATION_ENCODING=cp1252" in said[-1]
    schema = (folder / "conf/schemas/clients.yml").read_text(encoding="utf-8")
    assert 'headers: ["Civilité"]' in schema


PEOPLE = "Customer Id,E-Mail,Second,Spend,Orders\n" + "".join(
    f"c{n},p{n}@example.com,q{n}@example.com,{n % 97}.5,{n % 9}\n" for n in range(300)
)


def test_addresses_are_read_where_a_person_says_so(tmp_path: Path) -> None:
    file, out = tmp_path / "people.csv", tmp_path / "people.yml"
    file.write_text(PEOPLE)
    said = [*propose_files([file], tmp_path, Corrections(kinds={"E-Mail": "email"}), out)]
    assert any(line.startswith("E-Mail       email e_mail") for line in said)
    assert read_schema(out).email == "e_mail"


def test_of_two_columns_of_addresses_one_is_to_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    given = Corrections(kinds={"E-Mail": "email", "Second": "email"})
    with pytest.raises(UserError, match="Second cannot be an email: a customer has one address"):
        list(propose_files([tmp_path / "people.csv"], tmp_path, given, tmp_path / "out.yml"))
