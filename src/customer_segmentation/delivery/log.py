"""The send log of an environment: what was sent to whom, and what is known to have arrived.

    00000001.parquet         a delivery: its rows by part, written before anything is sent
    00000001-0000.json       the answer to its first part
    00000001-closed.json     the receiver refused it, and the rest is not sent

Nothing is ever changed or removed but by `kedro forget`. A file appears whole, and only if there
is none of its number.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from fsspec.core import url_to_fs
from pyarrow import parquet
from pydantic import TypeAdapter, ValidationError

from customer_segmentation.delivery.records import (
    CHANGED,
    ENTERED,
    HELD_OUT,
    ROWS,
    Answer,
    Closed,
    Delivery,
    State,
    about_of,
    as_json,
    texts,
    with_about,
)
from customer_segmentation.errors import UserError
from customer_segmentation.new_files import put_new
from customer_segmentation.schema.parts import KEY

FOLDER = "campaigns/log"
_NAME = re.compile(r"(\d{8})(?:\.parquet|-(\d{4,})\.json|-(closed)\.json)")
_ANSWER, _CLOSED = TypeAdapter(Answer), TypeAdapter(Closed)


def log_place(places: Mapping[str, str]) -> str:
    """Where the log is: beside the tables, or beside the files if tables are managed."""
    tables = str(places["tables"]).replace("s3a://", "s3://", 1)
    is_place = "://" not in tables or tables.startswith("s3://")
    return f"{(tables if is_place else str(places['data'])).rstrip('/')}/{FOLDER}"


class SendLog:
    """The log; whoever writes to it holds the environment's lock.

    Args:
        place: Its folder, a path or a URL that fsspec reads; it need not be there yet.
    """

    def __init__(self, place: str) -> None:
        self.place = place.replace("s3a://", "s3://", 1).rstrip("/")
        # Cached listings would miss what other processes write.
        self._files, path = url_to_fs(self.place, use_listings_cache=False)
        self._path = path.rstrip("/")

    def states(self, campaign: str = "") -> list[State]:
        """Every delivery, the oldest first, with its answers.

        Args:
            campaign: Only of this one, if it is given.

        Raises:
            UserError: A record is not as this project writes it.
        """
        names = self._names()
        found = {n: State(self._about(n)) for n in sorted({int(name[1]) for name in names})}
        if campaign:
            found = {n: one for n, one in found.items() if one.delivery.campaign == campaign}
        wanted = [name[0] for name in names if name[0].endswith(".json") and int(name[1]) in found]
        contents = self._read(wanted)
        for name in names:
            if name[0] not in contents:
                continue
            state, content = found[int(name[1])], contents[name[0]]
            if name[3]:
                state = replace(state, closed=self._parsed(_CLOSED, name[0], content))
            else:
                answers = {int(name[2]): self._parsed(_ANSWER, name[0], content)}
                state = replace(state, answers={**state.answers, **answers})
            found[int(name[1])] = state
        return list(found.values())

    def begin(self, delivery: Delivery, rows: pa.Table) -> State:
        """Write down what is to be sent; returns it with its number and time.

        Args:
            delivery: All but these.
            rows: As `records.ROWS`.

        Raises:
            UserError: Another delivery came first: nothing has changed.
        """
        number = max((int(name[1]) for name in self._names()), default=0) + 1
        delivery = replace(delivery, number=number, at=now())
        written = io.BytesIO()
        table = with_about(rows.select(ROWS.names).cast(ROWS), delivery)
        parquet.write_table(table, written, compression="zstd")
        if not put_new(self._files, self._file(number), written.getvalue()):
            raise UserError(
                f"{self.place}: meanwhile another delivery began: run again when it has ended"
            )
        return State(delivery)

    def answered(self, state: State, batch: int, answer: Answer) -> State:
        """Record what became of a part; returns the delivery with it.

        Raises:
            UserError: It has an answer already, of another delivery at the same time.
        """
        self._put(f"{state.delivery.number:08}-{batch:04}.json", as_json(answer))
        return replace(state, answers={**state.answers, batch: answer})

    def close(self, state: State, reason: str) -> State:
        """Record that the rest of a delivery is not sent; returns the delivery with it.

        Raises:
            UserError: It is closed already.
        """
        closed = Closed(now(), reason)
        self._put(f"{state.delivery.number:08}-closed.json", as_json(closed))
        return replace(state, closed=closed)

    def rows(self, delivery: Delivery) -> pa.Table:
        """The rows of a delivery, as `records.ROWS`."""
        content = self._files.cat_file(self._file(delivery.number))
        return parquet.read_table(io.BytesIO(content)).replace_schema_metadata(None).cast(ROWS)

    def received(self, state: State, *, with_rejected: bool = False) -> pa.Table:
        """The rows that the receiver has taken, and those held out.

        Args:
            state: A delivery.
            with_rejected: Whether also those that it was sent and rejected.
        """
        rows = self.rows(state.delivery)
        taken = pc.is_in(rows["batch"], value_set=pa.array([*state.answers], pa.int32()))
        answers = state.answers.values()
        apart = [one.customer_id for answer in answers for one in answer.withheld]
        if not with_rejected:
            apart += [one.customer_id for answer in answers for one in answer.rejected]
        is_apart = pc.is_in(rows[KEY], value_set=texts(pa.array(apart, pa.string())))
        return rows.filter(
            pc.or_(pc.and_(taken, pc.invert(is_apart)), pc.equal(rows["change"], HELD_OUT))
        )

    def assigned(self, state: State) -> tuple[pa.Table, pa.Table]:
        """The rows of whom it contacted, or may have for all that is known; and those held out."""
        rows = self.rows(state.delivery)
        is_contact = pc.is_in(rows["change"], value_set=pa.array([ENTERED, CHANGED]))
        if state.closed:
            answered = pa.array([*state.answers], pa.int32())
            is_contact = pc.and_(is_contact, pc.is_in(rows["batch"], value_set=answered))
        return rows.filter(is_contact), rows.filter(pc.equal(rows["change"], HELD_OUT))

    def _put(self, name: str, content: bytes) -> None:
        if not put_new(self._files, f"{self._path}/{name}", content):
            raise UserError(f"{self.place}/{name}: another delivery is on: run again, alone")

    def _file(self, number: int) -> str:
        return f"{self._path}/{number:08}.parquet"

    def _names(self) -> list[re.Match[str]]:
        try:
            paths = self._files.ls(self._path, detail=False)
        except FileNotFoundError:
            return []
        names = (path.rpartition("/")[2] for path in sorted(paths))
        return [match for name in names if (match := _NAME.fullmatch(name))]

    def _about(self, number: int) -> Delivery:
        path = self._file(number)
        try:
            with self._files.open(path, "rb") as file:
                return about_of(parquet.read_schema(file).metadata)
        except FileNotFoundError as error:
            raise UserError(
                f"{self.place}/{number:08}.parquet is gone, and its answers are there: restore it"
            ) from error
        except (ValueError, pa.ArrowInvalid) as error:
            raise self._broken(f"{number:08}.parquet") from error

    def _read(self, names: list[str]) -> dict[str, bytes]:
        if not names:
            return {}
        # Of a bucket, many at a time.
        found: Any = self._files.cat([f"{self._path}/{name}" for name in names])
        return {path.rpartition("/")[2]: content for path, content in found.items()}

    def _parsed(self, kind: TypeAdapter[Any], name: str, content: bytes) -> Any:  # noqa: ANN401 - of that kind
        try:
            return kind.validate_json(content)
        except ValidationError as error:
            raise self._broken(name) from error

    def _broken(self, name: str) -> UserError:
        return UserError(f"{self.place}/{name} is not as this project wrote it: restore it")


def now() -> str:
    """The time, as the log records it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
