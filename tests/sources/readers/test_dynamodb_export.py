"""Exports of DynamoDB in the documented format: moto makes none, so these files are ours."""

from __future__ import annotations

import gzip
import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from s3fs import S3FileSystem

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.readers.dynamodb_export import DynamoExportReader
from tests.services.s3 import S3Server

NAME = "01693685827463-2d8752fd"
ROWS = [{"id": 1, "a": {"b": "x"}}, {"id": 2, "a": {"b": "y"}}, {"id": 3, "raw": b"\x01"}]


def write(place: Path, rows: list[Any] = ROWS, name: str = NAME, **summary: Any) -> Path:
    """An export of two files, as DynamoDB writes it."""
    folder = place / "AWSDynamoDB" / name
    (folder / "data").mkdir(parents=True)
    manifest = []
    for number, part in enumerate((rows[:2], rows[2:])):
        lines = [json.dumps({"Item": item(row)}) + "\n" for row in part]
        content = gzip.compress("".join(lines).encode())
        file = folder / "data" / f"file{number}.json.gz"
        file.write_bytes(content)
        manifest.append(
            {
                "itemCount": len(part),
                "md5Checksum": b64encode(hashlib.md5(content).digest()).decode(),  # noqa: S324
                "etag": "1",
                "dataFileS3Key": f"prefix/AWSDynamoDB/{name}/data/{file.name}",
            }
        )
    (folder / "manifest-files.json").write_text("\n".join(map(json.dumps, manifest)))
    told = {
        "version": "2020-06-30",
        "itemCount": len(rows),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    (folder / "manifest-summary.json").write_text(json.dumps(told | summary))
    return folder


def item(row: dict[str, Any]) -> Any:
    typed = TypeSerializer().serialize(row)["M"]
    # JSON has no bytes: an export writes them in base64.
    return {n: {"B": b64encode(v["B"]).decode()} if "B" in v else v for n, v in typed.items()}


def read(place: object, since: Position | None = None, **options: Any) -> list[Arrival]:
    return list(DynamoExportReader(place=str(place), **options).read(since))


def test_the_newest_export_that_has_ended_is_a_whole_load_and_is_landed_once(
    tmp_path: Path,
) -> None:
    write(tmp_path)
    (first,) = read(tmp_path)
    assert first.is_whole
    assert first.rows.to_pydict() == {
        "id": ["1", "2", "3"],
        "a.b": ["x", "y", ""],
        "raw": ["", "", "AQ=="],
    }
    assert read(tmp_path, first.position) == []

    write(tmp_path, ROWS[:1], "01700000000000-00000000")
    (tmp_path / "AWSDynamoDB" / "01800000000000-00000000" / "data").mkdir(parents=True)
    (second,) = read(tmp_path, first.position)

    assert second.rows["id"].to_pylist() == ["1"]


def test_an_export_on_s3_is_read(
    tmp_path: Path, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    moto_server.make_bucket("exports")
    write(tmp_path)
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        key = f"prefix/{file.relative_to(tmp_path)}"
        moto_server.client().put_object(Bucket="exports", Key=key, Body=file.read_bytes())

    (arrival,) = read("s3://exports/prefix/", columns=["id"])

    assert arrival.rows["id"].to_pylist() == ["1", "2", "3"]
    S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("name", ["manifest-summary.json", "manifest-files.json"])
@pytest.mark.parametrize("text", ["{", "{}", '{"itemCount": "x"}'])
def test_a_manifest_that_is_none_is_one_message(tmp_path: Path, name: str, text: str) -> None:
    (write(tmp_path) / name).write_text(text)
    with pytest.raises(UserError, match=f"{name} is no manifest: copy it again"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ({"exportType": "INCREMENTAL_EXPORT"}, "has exportType INCREMENTAL_EXPORT"),
        ({"outputFormat": "ION"}, "has outputFormat ION"),
        ({"itemCount": 4}, "has 3 items, and its manifest says 4"),
    ],
)
def test_another_kind_of_export_is_refused(
    tmp_path: Path, summary: dict[str, Any], told: str
) -> None:
    write(tmp_path, **summary)

    with pytest.raises(UserError, match=told):
        read(tmp_path)


def test_a_file_that_is_missing_cut_or_wrong_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path) / "data" / "file1.json.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"file1.json.gz is not as its manifest says"):
        read(tmp_path)
    file.unlink()
    with pytest.raises(UserError, match=r"file1.json.gz is gone"):
        read(tmp_path)


def test_a_line_that_is_no_item_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    file = folder / "data" / "file1.json.gz"
    file.write_bytes(gzip.compress(b'{"Item": 7}'))
    manifest = folder / "manifest-files.json"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    del lines[1]["md5Checksum"]
    manifest.write_text("\n".join(map(json.dumps, lines)))

    with pytest.raises(UserError, match=r"file1.json.gz holds what is no item"):
        read(tmp_path)


def test_a_folder_without_an_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no export below AWSDynamoDB/ that has ended"):
        read(tmp_path)
