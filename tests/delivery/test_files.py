"""Lists as files of CSV, in a folder and in a bucket, each there once and whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from s3fs import S3FileSystem

from customer_segmentation.datasets.contacts import ContactsDataset
from customer_segmentation.delivery.bodies import unsafe_ids
from customer_segmentation.errors import UserError
from tests.delivery.lists import deliver, members, sending, wanted
from tests.services.s3 import S3Server

FIRST = {"1": "voucher", "2": "voucher", "3": "gift"}
HEADER = "customer_id,campaign,change,offer,channel,email_sha256\n"


def test_each_part_is_a_file_of_its_key(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (state,) = deliver(log, str(folder), wanted(FIRST, emails={"1": "a" * 64}))
    files = sorted(folder.iterdir())
    assert [file.stem for file in files] == [state.delivery.key(n) for n in range(2)]
    assert files[0].read_text() == (
        f"{HEADER}1,spring,entered,voucher,e_mail,{'a' * 64}\n2,spring,entered,voucher,e_mail,\n"
    )
    (state,) = deliver(log, str(folder), wanted({"2": "voucher", "3": "gift"}))
    assert (folder / f"{state.delivery.key(0)}.csv").read_text() == (
        f"{HEADER}1,spring,left,,,{'a' * 64}\n"
    )


def test_a_file_that_is_there_already_stays(log: Path, tmp_path: Path) -> None:
    folder, one = tmp_path / "out", sending(log, str(tmp_path / "out"))
    rows = one.log.rows(one.deliver(wanted({"1": "voucher"}))[0].delivery)
    (file,) = folder.iterdir()
    before = file.stat()
    one.receiver.take(file.stem, "spring", rows)
    assert [*folder.iterdir()] == [file]
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_what_a_killed_delivery_left_half_written_is_removed(log: Path, tmp_path: Path) -> None:
    folder, one = tmp_path / "out", sending(log, str(tmp_path / "out"))
    rows = one.log.rows(one.deliver(wanted({"1": "voucher"}))[0].delivery)
    (file,) = folder.iterdir()
    file.unlink()
    (folder / f".writing-{file.name}.0123").write_text("half")
    (folder / ".writing-other.csv.0123").write_text("of another delivery")
    one.receiver.take(file.stem, "spring", rows)
    assert {path.name for path in folder.iterdir()} == {file.name, ".writing-other.csv.0123"}


def test_no_cell_is_a_formula_of_a_spreadsheet(log: Path, tmp_path: Path) -> None:
    ids = ["=1+1", "@SUM(A1)", "-5", "+3", "\t=x", "\uff1d1", "\u200b=1", "A=1"]
    deliver(log, str(tmp_path / "out"), wanted(dict.fromkeys(ids, "voucher")), batch=10)
    (file,) = (tmp_path / "out").iterdir()
    cells = {line.split(",")[0].strip('"') for line in file.read_text().splitlines()[1:]}
    assert cells == {"'=1+1", "'@SUM(A1)", "'-5", "'+3", "'\t=x", "'\uff1d1", "'\u200b=1", "A=1"}
    assert unsafe_ids(members(dict.fromkeys(ids, ""))) == 7


def test_a_folder_that_cannot_be_written_to_is_named(log: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"out: .*must be able to write there.* 0 of 1 part "):
        deliver(log, str(tmp_path / "out"), wanted({"1": "voucher"}))


def test_a_bucket_takes_files_and_keeps_the_log(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    s3_server.make_bucket("delivery")
    log, place = "s3://delivery/campaigns/log", "s3a://delivery/out"
    deliver(log, place, wanted(FIRST))
    deliver(log, place, wanted({"1": "voucher", "3": "gift"}))
    client = s3_server.client()
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="delivery")["Contents"]]
    assert len([key for key in keys if key.startswith("out/spring-")]) == 3
    assert len([key for key in keys if key.startswith("campaigns/log/")]) == 5
    found = ContactsDataset(filepath=log).load()["customer_id"].to_pylist()
    assert sorted(found) == ["1", "2", "3"]
    with pytest.raises(UserError, match=r"no-bucket/out: there is no such bucket"):
        deliver(log, "s3://no-bucket/out", wanted({"1": "voucher"}))
    S3FileSystem.clear_instance_cache()
