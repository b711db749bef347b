"""Parts are appended once, whole and in order, on this machine and on S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from s3fs import S3FileSystem

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import (
    CHANGE,
    PUT,
    REMOVED,
    Arrival,
    Parts,
    Position,
    Repeats,
    land_arrivals,
    text_table,
)
from tests.services.s3 import S3Server


@pytest.fixture(params=["local", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A folder that is not there yet."""
    if request.param == "local":
        yield str(tmp_path / "parts")
        return
    server: S3Server = request.getfixturevalue("moto_server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    bucket = f"parts-{uuid4().hex}"
    server.make_bucket(bucket)
    yield f"s3a://{bucket}/customers"
    S3FileSystem.clear_instance_cache()


def arrival(*ids: str, at: int = 0, is_whole: bool = False, is_last: bool = True) -> Arrival:
    return Arrival(text_table({"id": ids}), {"at": at}, is_whole=is_whole, is_last=is_last)


class Given:
    """A reader of given arrivals, from the position on."""

    name = "given"

    def __init__(self, *arrivals: Arrival) -> None:
        self.arrivals = arrivals
        self.since: list[Position | None] = []

    def read(self, since: Position | None) -> Iterator[Arrival]:
        self.since.append(since)
        yield from self.arrivals[since["at"] if since else 0 :]


def ids(parts: Parts) -> list[str]:
    return [each for part in parts.complete() for each in parts.rows(part)["id"].to_pylist()]


def test_what_is_landed_is_read_back_with_where_from_and_when(place: str) -> None:
    parts = Parts(place)
    assert (parts.all(), parts.complete(), parts.position()) == ([], [], None)
    notes = ("what a person should know",)
    part = parts.append("shop", replace(arrival("1", "2", at=7), notes=notes))
    assert Parts(place).all() == [part]
    assert (part.number, part.source, part.rows, part.headers) == (1, "shop", 2, ("id",))
    assert Parts(place).position() == {"at": 7}
    assert part.notes == notes
    assert part.landed_at.endswith("+00:00")
    assert Parts(place).rows(part).to_pydict() == {"id": ["1", "2"]}
    assert parts.url(part).endswith("/00000001.parquet")


def test_a_rerun_lands_nothing_twice(place: str) -> None:
    reader = Given(arrival("1", at=1), arrival("2", at=2))
    assert [part.number for part in land_arrivals(reader, Parts(place))] == [1, 2]
    assert land_arrivals(reader, Parts(place)) == []
    assert reader.since == [None, {"at": 2}]
    assert ids(Parts(place)) == ["1", "2"]


def test_of_two_that_land_at_the_same_time_one_is_refused(place: str) -> None:
    first, second = Parts(place), Parts(place)
    first.append("shop", arrival("0"))
    second.all()
    first.append("shop", arrival("1"))
    # It has looked before the other landed.
    second.all = lambda: first.all()[:1]  # type: ignore[method-assign]
    with pytest.raises(UserError, match="another process lands shop at the same time"):
        second.append("shop", arrival("2"))
    assert ids(Parts(place)) == ["0", "1"]


def test_a_missing_part_is_told_by_name(tmp_path: Path) -> None:
    parts = Parts(str(tmp_path))
    for number in range(3):
        parts.append("shop", arrival(str(number)))
    (tmp_path / "00000002.parquet").unlink()
    with pytest.raises(UserError, match=r"00000002.parquet is gone: restore it"):
        Parts(str(tmp_path)).all()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"something else"])
def test_a_part_of_somebody_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "00000001.parquet").write_bytes(content)
    with pytest.raises(UserError, match="is not as this project wrote it"):
        Parts(str(tmp_path)).all()


def test_other_files_beside_the_parts_are_left_alone(tmp_path: Path) -> None:
    parts = Parts(str(tmp_path))
    parts.append("shop", arrival("1"))
    for name in ("readme.txt", ".writing-00000002.parquet.abc", "1.parquet"):
        (tmp_path / name).write_bytes(b"")
    assert ids(Parts(str(tmp_path))) == ["1"]


def test_a_load_that_was_broken_off_does_not_stand_and_begins_anew(place: str) -> None:
    pieces = (
        arrival("1", at=1, is_whole=True, is_last=False),
        arrival("2", at=1, is_whole=True),
    )

    class BrokenOff(Given):
        def read(self, since: Position | None) -> Iterator[Arrival]:
            yield next(super().read(since))
            raise UserError("gone")

    with pytest.raises(UserError, match="gone"):
        land_arrivals(BrokenOff(*pieces), Parts(place))
    assert len(Parts(place).all()) == 1
    assert (ids(Parts(place)), Parts(place).position()) == ([], None)
    land_arrivals(Given(*pieces), Parts(place))
    assert ids(Parts(place)) == ["1", "2"]


def test_a_whole_load_takes_the_place_of_all_before_once_it_has_ended(place: str) -> None:
    parts = Parts(place)
    parts.append("shop", arrival("1"))
    parts.append("shop", arrival("2", is_whole=True, is_last=False))
    assert ids(parts) == ["1"]
    parts.append("shop", arrival("3", is_whole=True))
    parts.append("shop", arrival("4"))
    assert ids(parts) == ["2", "3", "4"]


def test_pieces_that_stand_together_stand_once_the_last_is_landed(place: str) -> None:
    parts = Parts(place)
    parts.append("shop", arrival("1"))
    parts.append("shop", arrival("2", is_last=False))
    assert ids(parts) == ["1"]
    parts.append("shop", arrival("3"))
    assert ids(parts) == ["1", "2", "3"]


def test_equal_cells_have_equal_hashes_however_they_are_cut(tmp_path: Path) -> None:
    def hash_of(rows: pa.Table) -> str:
        return Parts(str(tmp_path)).append("shop", Arrival(rows, {})).sha256

    whole = text_table({"a": ["x", "", "yz"], "b": ["1", "2", "3"]})
    chunks = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    longer = pa.concat_tables([whole, whole]).combine_chunks().slice(3)
    nulls = pa.table({"a": pa.array(["x", None, "yz"]), "b": ["1", "2", "3"]})
    assert len({hash_of(each) for each in (whole, chunks, longer, nulls)}) == 1
    others = (
        text_table({"a": ["x", "y", "z"], "b": ["1", "2", "3"]}),
        text_table({"b": ["x", "", "yz"], "a": ["1", "2", "3"]}),
        whole.slice(0, 2),
        whole.slice(0, 0),
        text_table({"a": []}),
    )
    assert len({hash_of(each) for each in (whole, *others)}) == 6


def test_rows_that_stand_as_they_came_are_not_landed_again(place: str) -> None:
    repeats = Repeats(("id",), lambda position: position["at"] > 1)

    def of(at: int, change: str = PUT, **names: str) -> Arrival:
        table = {"id": names, "name": names.values(), CHANGE: [change] * len(names)}
        cells = {header: list(each) for header, each in table.items()}
        return Arrival(text_table(cells), {"at": at}, repeats=repeats)

    parts = Parts(place)
    land_arrivals(Given(of(1, a="old", b="old"), of(2, c="Cy", d="Di")), parts)
    again = Given(of(1), of(2), of(3, a="old", c="Cy", d="Do", e="Ed"))
    (part,) = land_arrivals(again, parts)
    # The first part cannot hold any, so that it was not looked at.
    assert parts.rows(part)["id"].to_pylist() == ["a", "d", "e"]
    again = Given(of(1), of(2), of(3), of(4, c="Cy", d="Di"), of(5, REMOVED, c="Cy"))
    assert [parts.rows(part).to_pylist() for part in land_arrivals(again, parts)] == [
        [{"id": "d", "name": "Di", CHANGE: PUT}],
        [{"id": "c", "name": "Cy", CHANGE: REMOVED}],
    ]
