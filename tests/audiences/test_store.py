"""Audiences by name: every version is kept, and writers do not lose each other's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customer_segmentation.audiences.definition import Definition
from customer_segmentation.audiences.store import AudienceStore
from customer_segmentation.errors import UserError

FIRST, SECOND = Definition((), "age > 30", "e_mail"), Definition(("high",), "age > 40")


def test_a_version_is_kept_each_time_that_it_differs(tmp_path: Path) -> None:
    store = AudienceStore(str(tmp_path / "audiences"))
    assert store.find("spring") is None
    assert store.put("spring", FIRST, "ann").number == 1
    assert store.put("spring", FIRST, "bob") == store.find("spring")
    assert store.put("spring", SECOND, "bob").number == 2
    again = AudienceStore(str(tmp_path / "audiences"))
    assert [(each.definition, each.by) for each in again.versions("spring")] == [
        (SECOND, "bob"),
        (FIRST, "ann"),
    ]
    assert again.find("spring", 1) == again.versions("spring")[1]
    assert again.find("spring", 3) is None


def test_a_deleted_audience_is_gone_and_its_versions_stay(tmp_path: Path) -> None:
    store = AudienceStore(str(tmp_path))
    assert not store.delete("spring", "ann")
    store.put("spring", FIRST, "ann")
    assert store.delete("spring", "bob")
    assert store.delete("spring", "bob")
    assert (store.find("spring"), store.all()) == (None, [])
    assert [each.is_deleted for each in store.versions("spring")] == [True, False]
    assert store.put("spring", FIRST, "ann").number == 3
    assert [each.name for each in store.all()] == ["spring"]


def test_many_who_write_at_once_lose_no_version(tmp_path: Path) -> None:
    def write(number: int) -> None:
        # Each as another process would.
        AudienceStore(str(tmp_path)).put("spring", Definition(rule=f"age > {number}"), "ann")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    versions = AudienceStore(str(tmp_path)).versions("spring")
    assert [each.number for each in versions] == [4, 3, 2, 1]
    assert len({each.definition for each in versions}) == 4


def test_a_file_that_others_wrote_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "spring").mkdir()
    (tmp_path / "spring" / "00000001.json").write_text("{}")
    with pytest.raises(UserError, match="not as this project wrote it"):
        AudienceStore(str(tmp_path)).all()
