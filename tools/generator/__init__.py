"""Synthetic retail customers: seeded, any number of them, shaped like the published campaign file.

A file has the 29 published columns, tab separated, CRLF line ends, no quotes. The rows are a
mixture of household types (see `mixture`), with the dirt of real exports: missing and
mistyped incomes, impossible birth years, odd marital statuses, spend without a purchase, customers
who equal another in all but the id, and rows that are repeated whole.
"""

import argparse
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from tools.generator import mixture
from tools.generator.any_schema import write as write_any
from tools.generator.draw import (
    Columns,
    Indices,
    amount,
    draw_customers,
    soil,
)

COLUMNS: Final = (
    "ID",
    "Year_Birth",
    "Education",
    "Marital_Status",
    "Income",
    "Kidhome",
    "Teenhome",
    "Dt_Customer",
    "Recency",
    *mixture.SPEND_LIMITS,
    *mixture.COUNT_LIMITS,
    "AcceptedCmp3",
    "AcceptedCmp4",
    "AcceptedCmp5",
    "AcceptedCmp1",
    "AcceptedCmp2",
    "Complain",
    "Z_CostContact",
    "Z_Revenue",
    "Response",
)
_SLICE_ROWS: Final = 250_000


def generate(rows: int, seed: int = 1) -> Columns:
    """Make `rows` synthetic customers in memory.

    Returns the 29 columns of `COLUMNS`, in that order, as arrays of length `rows`: integers, but
    strings for Education, Marital_Status and Dt_Customer (DD-MM-YYYY, 2012-07-30 to 2014-06-29),
    and floats for Income (a year's, NaN where missing). Mnt* are amounts over two years, Num*
    counts, Recency days since the last purchase, AcceptedCmp*, Complain and Response 0 or 1.
    IDs are unordered, below 5 * `rows`, include 0, and repeat only where the whole row does.

    The same `rows` and `seed` (0 or more) give the same customers; `write` writes these when they
    fit in one file. Needs about 1 GB per million rows.

    Raises:
        ValueError: if `rows` is below 1 or `seed` below 0.

    """
    return next(_blocks(rows, seed, rows))


def write(path: str | Path, rows: int, seed: int = 1, *, file_rows: int = 1_000_000) -> list[Path]:
    """Write `rows` synthetic customers as text and return the files written.

    A `path` that ends in .csv or .tsv becomes one file; a path without a suffix a folder of
    part-00000.csv, part-00001.csv, ..., of `file_rows` rows each, every one with a header. Both
    are made `file_rows` rows at a time, so memory does not grow with `rows` (about 1 GB at the
    default), and hold the same customers. The bytes depend on `rows`, `seed` and `file_rows` only.
    Each file is written under a temporary name beside it and renamed when complete.

    Raises:
        ValueError: if a number is out of range or `path` has another suffix.
        FileExistsError: if the folder holds part files that this call would not replace.

    """
    target = Path(path)
    blocks = _blocks(rows, seed, file_rows)
    if target.suffix.lower() in {".csv", ".tsv"}:
        _write_file(target, blocks)
        return [target]
    if target.suffix:
        message = f"{target}: the output must end in .csv or .tsv, or have no suffix (a folder)"
        raise ValueError(message)
    parts = [target / f"part-{number:05d}.csv" for number in range(math.ceil(rows / file_rows))]
    if stale := sorted(set(target.glob("part-*.csv")) - set(parts)):
        message = f"{target} holds {stale[0].name} of another run: remove it or name a new folder"
        raise FileExistsError(message)
    for part, block in zip(parts, blocks, strict=True):
        _write_file(part, [block])
    return parts


def main(arguments: Sequence[str] | None = None) -> int:
    """Write synthetic customers as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.generator",
        description="Write synthetic retail customers (tab separated, CRLF, 29 columns), or with "
        "--schema rows of any schema (CSV).",
        exit_on_error=False,
    )
    parser.add_argument("--rows", type=int, required=True, help="number of rows, 1 or more")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default 1)")
    parser.add_argument("--out", type=Path, required=True, help="a .csv or .tsv file, or a folder")
    parser.add_argument(
        "--file-rows", type=int, default=1_000_000, help="rows made at a time, and rows of a part"
    )
    parser.add_argument("--schema", type=Path, help="a schema's file, such as conf/schemas/x.yml")
    try:
        options = parser.parse_args(arguments)
        if options.schema:
            write_any(options.out, options.schema, options.rows, options.seed)
            return 0
        write(options.out, options.rows, options.seed, file_rows=options.file_rows)
    except (argparse.ArgumentError, ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _blocks(rows: int, seed: int, block_rows: int) -> Iterator[Columns]:
    """Check the numbers now, then make the blocks one by one as they are asked for."""
    for name, value, minimum in (
        ("rows", rows, 1),
        ("seed", seed, 0),
        ("file_rows", block_rows, 1),
    ):
        if value < minimum:
            message = f"{name} must be {minimum} or more, not {value}"
            raise ValueError(message)
    ids = _Ids.draw(rows, min(rows, block_rows), _random(seed, 0))
    return (
        _block(min(block_rows, rows - first), first, ids, _random(seed, 1 + first // block_rows))
        for first in range(0, rows, block_rows)
    )


def _random(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))


@dataclass(frozen=True)
class _Ids:
    """A one-to-one map from row numbers to ids: i -> step * (i - zero) modulo space."""

    step: int
    zero: int
    space: int

    @classmethod
    def draw(cls, rows: int, first_block: int, random: np.random.Generator) -> "_Ids":
        space = 5 * rows
        step = int(random.integers(space // 3, 2 * space // 3 + 1))
        while math.gcd(step, space) > 1:
            step += 1
        # The id 0 falls in the first half of the first block, which no repeated row displaces.
        return cls(step, int(random.integers((first_block + 1) // 2)), space)

    def of(self, numbers: Indices) -> Indices:
        return (numbers - self.zero) * self.step % self.space


def _block(rows: int, first: int, ids: _Ids, random: np.random.Generator) -> Columns:
    """Make original customers, then place them, their twins and repeated rows in random order."""
    unique = rows - amount(rows, mixture.REPEAT_SHARE, random, maximum=rows // 2)
    originals = unique - amount(rows, mixture.TWIN_SHARE, random, maximum=unique // 2)
    columns = draw_customers(originals, random)
    soil(columns, rows, random)
    # The spoilt customers come first: copying only later ones keeps each kind of dirt as rare.
    twins = random.integers(originals // 2, originals, unique - originals)
    repeats = random.integers(unique // 2, unique, rows - unique)
    source = np.concatenate([np.arange(originals), twins])
    order = np.concatenate([np.arange(unique), repeats])
    random.shuffle(order)
    columns = {name: values[source[order]] for name, values in columns.items()}
    columns["ID"] = ids.of(first + order)
    return {name: columns[name] for name in COLUMNS}


def _write_file(target: Path, blocks: Iterable[Columns]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write("\t".join(COLUMNS).encode() + b"\r\n")
            for block in blocks:
                _write_rows(file, block)
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _write_rows(file: BinaryIO, block: Columns) -> None:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only needed to write
    from pyarrow import csv  # noqa: PLC0415 - heavy, and only needed to write

    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    for first in range(0, len(block["ID"]), _SLICE_ROWS):
        values = {name: pa.array(all_[first : first + _SLICE_ROWS]) for name, all_ in block.items()}
        income = pa.array(block["Income"][first : first + _SLICE_ROWS], from_pandas=True)
        values["Income"] = income.cast(pa.int64())
        text = pa.BufferOutputStream()
        csv.write_csv(pa.table(values), text, options)
        # pyarrow ends lines with LF only; no value can hold one, so all of them are line ends.
        file.write(text.getvalue().to_pybytes().replace(b"\n", b"\r\n"))
