"""Search every file of an environment for one customer, decoded where bytes would hide them."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from customer_segmentation.errors import UserError
from customer_segmentation.retention.online import in_online, is_online
from customer_segmentation.retention.places import Environment, File, is_below
from customer_segmentation.retention.sought import Sought
from customer_segmentation.sources.landing import land
from customer_segmentation.streaming.erasing import is_state, traces

# What holds them: rows of a table; names in a text; a Delta table with its log and old versions; an
# old version of an object; a job of the API; the online feature store; the state of the stream; a
# file that the project did not write, or a cell of somebody else's row, which a person has to look
# at.
Kind = Literal["rows", "names", "delta", "version", "job", "online", "stream", "by hand"]

LOG = "/_delta_log/"
# As the server names them.
_JOB = re.compile("[0-9a-f]{32}")
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_HEAD, _ATTEMPTS = 8192, 10
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Holder:
    """A place that holds the customer.

    Attributes:
        place: Of the file; of a Delta table or a job, the folder; of an online store, its name.
        kind: Of what it is, which says how they are erased.
        times: How often they were found there.
        version: Of an old version of an object.
    """

    place: str
    kind: Kind
    times: int
    version: str | None = None


@dataclass
class Found:
    """What a search saw, and where the customer is.

    Attributes:
        holders: By place.
        files: How many files were read.
        size: Their bytes.
    """

    holders: list[Holder] = field(default_factory=list)
    files: int = 0
    size: int = 0


def search(environment: Environment, sought: Sought) -> Found:
    """Read every byte of every file and object of an environment, and ask its online store."""
    files = list(environment.files(with_old=True))
    tables = sorted({file.place.partition(LOG)[0] for file in files if LOG in file.place})
    jobs = str(environment.jobs)
    found, counts = Found(), dict[tuple[str, Kind, str | None], int]()
    for file in files:
        found.files += 1
        found.size += file.size
        is_sent = job_of(file.place, jobs) is not None
        is_asked = is_online(file.place, environment.online_file)
        if is_asked or is_state(file.place, environment.stream):
            # Searched below.
            continue
        rows, names, others = look_at_job(file, sought) if is_sent else look(file, sought)
        if not rows + names + others:
            continue
        place, kind = file.place, _kind(rows, names)
        table = next((each for each in tables if is_below(place, [each])), None)
        if file.version:
            kind = "version"
        elif job := job_of(place, jobs):
            kind, place = "job", job
        elif table and environment.makes(table):
            kind, place = "delta", table
        elif not environment.makes(place):
            kind = "by hand"
        key = (place, kind, file.version)
        counts[key] = counts.get(key, 0) + (rows + names + others)
    for place, times in in_online(environment, sought.id).items():
        counts[place, "online", None] = times
    if times := traces(environment.stream, sought.id):
        counts[str(environment.stream), "stream", None] = times
    found.holders = [Holder(*key[:2], times, key[2]) for key, times in counts.items()]
    found.holders.sort(key=lambda each: (each.place, each.version or ""))
    return found


def job_of(place: str, jobs: str) -> str | None:
    """The folder of the job that a file belongs to, or the file while it is being uploaded."""
    if not is_below(place, [jobs]):
        return None
    first = place.removeprefix(f"{jobs}/").partition("/")[0]
    if first == "incoming":
        return place
    return f"{jobs}/{first}" if _JOB.fullmatch(first) else None


def look(file: File, sought: Sought) -> tuple[int, int, int]:
    """How many rows of a file are theirs, how often it names them, and how many other cells do."""
    for _ in range(_ATTEMPTS):
        try:
            with file.open() as opened:
                return _look(opened, file.place, sought)
        except FileNotFoundError:
            # Of the server or of MLflow, which end their own files.
            return 0, 0, 0
        except OSError as error:
            # s3fs says so of an object that was replaced meanwhile, as the lease is.
            if error.errno != errno.EBUSY:
                raise
    raise UserError(f"{file.place} changes all the time and cannot be read: run this again")


def look_at_job(file: File, sought: Sought) -> tuple[int, int, int]:
    """The same for a file of a job, of any kind that can be posted.

    One that nobody can read may hold anybody.
    """
    with TemporaryDirectory() as folder:
        landed = Path(folder) / "landed.parquet"
        try:
            land(file.place, str(landed))
        except UserError:
            found = look(file, sought)
            return found if any(found) or _is_table(file, sought) else (0, 1, 0)
        return look(File(str(landed), file.size), sought)


def _is_table(file: File, sought: Sought) -> bool:
    with file.open() as opened:
        return next(records(opened, sought), None) is not None


def _kind(rows: int, names: int) -> Kind:
    if rows:
        return "rows"
    return "names" if names else "by hand"


def _look(opened: Any, place: str, sought: Sought) -> tuple[int, int, int]:  # noqa: ANN401 - a file
    head = opened.read(_HEAD)
    opened.seek(0)
    if head.startswith(_PARQUET):
        return _in_parquet(opened, place, sought)
    if head.startswith(_GZIP):
        return _look(io.BytesIO(gzip.decompress(opened.read())), place, sought)
    if LOG in place:
        return 0, sum(sought.in_log(each) for each in _json(opened.read())), 0
    if b"\0" in head:
        return 0, sought.in_bytes(opened.read()), 0
    rows, others, is_table = 0, 0, False
    for raw, theirs in records(opened, sought):
        is_table = True
        rows += theirs
        others += 0 if theirs else sought.in_text(raw)
    if is_table:
        return rows, 0, others
    opened.seek(0)
    return 0, sought.in_text(opened.read()), 0


def _in_parquet(opened: Any, place: str, sought: Sought) -> tuple[int, int, int]:  # noqa: ANN401 - a file
    try:
        file = parquet.ParquetFile(opened)
    except pa.ArrowInvalid:
        # Half written.
        opened.seek(0)
        return 0, sought.in_bytes(opened.read()), 0
    if LOG in place:
        return (
            0,
            sum(sought.in_log(row) for row in file.read().to_pylist(maps_as_pydicts="lossy")),
            0,
        )
    rows = others = 0
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        theirs = sought.rows(table)
        if theirs is not None:
            rows += pc.sum(theirs).as_py() or 0
            table = table.filter(pc.invert(theirs))
        keys = sought.keys(table.column_names)
        for name in table.column_names:
            if name not in keys and _is_text(table[name].type):
                others += sought.mentions(table[name])
    told = b"\n".join(value for value in (file.metadata.metadata or {}).values())
    return rows, 0, others + sought.in_text(told)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _json(content: bytes) -> Iterator[Any]:
    for line in content.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def records(content: Iterable[bytes], sought: Sought) -> Iterator[tuple[bytes, bool]]:
    """The records of a table as text, each with its line ends, and whether it is theirs.

    Nothing for a text that is no table with ids. CSV with any usual separator, and JSON lines.

    Args:
        content: Its lines with their ends, such as an open file.
        sought: The customer.
    """
    lines = iter(content)
    first = next(lines, b"")
    if first.lstrip().startswith(b"{"):
        yield from _objects(chain([first], lines), sought)
        return
    header = first.decode(errors="replace").lstrip("\ufeff")
    separator = max(_SEPARATORS, key=header.count)
    names = next(csv.reader([header], delimiter=separator), [])
    places = [names.index(name) for name in sought.keys(names)]
    if places:
        for raw, cells in _cells(chain([first], lines), separator):
            yield raw, any(sought.has(cells[n]) for n in places if n < len(cells))


def _objects(lines: Iterable[bytes], sought: Sought) -> Iterator[tuple[bytes, bool]]:
    for line in lines:
        record = next(_json(line), None)
        if not isinstance(record, dict) or not (keys := sought.keys(record)):
            return
        yield line, any(sought.has(str(record[name])) for name in keys)


def _cells(lines: Iterable[bytes], separator: str) -> Iterator[tuple[bytes, list[str]]]:
    taken: list[bytes] = []

    def text() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line.decode(errors="replace")

    for cells in csv.reader(text(), delimiter=separator):
        yield b"".join(taken), cells
        taken.clear()
