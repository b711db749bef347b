"""Write a schema for an unknown file, and tell what was recognised."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import yaml

from customer_segmentation.customers.account import listed, percent
from customer_segmentation.errors import UserError
from customer_segmentation.proposal.draft import Proposal, propose_schema
from customer_segmentation.proposal.reading import rows_of
from customer_segmentation.proposal.seen import Corrections
from customer_segmentation.proposal.text import in_comment, plain_name
from customer_segmentation.settings import setting
from customer_segmentation.sources.content import UTF8, Content, EncodingError
from customer_segmentation.sources.files import find_files
from customer_segmentation.sources.landing import open_tables

_WIDEST = 60
_ENCODING, _SHEET = "SEGMENTATION_ENCODING", "SEGMENTATION_SHEET"
# What programs of Windows write where they do not write UTF-8.
_OF_WINDOWS = "cp1252"


def propose_files(
    paths: Sequence[Path], configuration: Path, corrections: Corrections, out: Path | None = None
) -> Iterator[str]:
    """Write a schema for an export, and tell what was recognised, line by line.

    Args:
        paths: Files, or folders of files; those with the same headers are parts of one export.
        configuration: The folder that holds `schemas`.
        corrections: What is known better.
        out: The file to write; by default `schemas/NAME.yml`.

    Raises:
        UserError: A file cannot be read, the files hold several tables, or there is such a schema
            already.
    """
    name = plain_name(paths[0].name.split(".")[0]) or "customers"
    place = out or configuration / "schemas" / f"{name}.yml"
    if place.exists():
        raise UserError(f"{place} is there already: remove it, or name another file with --out")
    declared = {name: told for name in (_ENCODING, _SHEET) if (told := setting(name))}
    guessed = ""
    try:
        proposal = _proposed(paths, corrections, declared)
    except EncodingError:
        if _ENCODING in declared:
            raise
        guessed = _OF_WINDOWS
        declared[_ENCODING] = guessed
        proposal = _proposed(paths, corrections, declared)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(proposal.text, encoding="utf-8")
    yield from _as_table([("header", "read as", "sure", "remarks"), *proposal.table])
    yield ""
    if proposal.are_orders:
        yield "Rows are order lines: customers are what their lines come to."
        yield ""
    if proposal.questions:
        yield f"Answer in {place} before a run:"
        yield from (f"  {number}. {text}" for number, text in enumerate(proposal.questions, 1))
        yield ""
    if guessed:
        yield f"The file is not UTF-8 text, and was read as {guessed}: look at its accents above."
    settings = {
        "SEGMENTATION_SCHEMA": str(place if out else place.stem),
        "SEGMENTATION_SOURCE": str(paths[0]) if len(paths) == 1 else "FOLDER",
        **declared,
    }
    told = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    command = f"{told} make run"
    if proposal.losses.share > (allowed := _allowed_loss(configuration)):
        yield _losses_told(proposal, allowed)
        command += f' ARGS="--params=preprocessing.max_left_out={_above(proposal.losses.share)}"'
    if len(paths) == 1:
        yield f"Next: {command}"
    else:
        yield "Next: put these files in a folder of their own, and"
        yield f"  {command}"


def _allowed_loss(configuration: Path) -> float:
    """The share of rows that a run may leave out; 1 where nothing says it."""
    file = configuration / "base" / "parameters_preprocessing.yml"
    if not file.is_file():
        return 1.0
    return float(yaml.safe_load(file.read_text(encoding="utf-8"))["preprocessing"]["max_left_out"])


def _losses_told(proposal: Proposal, allowed: float) -> str:
    losses = proposal.losses
    why = listed(f"{in_comment(h)} ({percent(lost)})" for h, lost in losses.by_header.items())
    return (
        f"{round(losses.share * proposal.rows):,} of {proposal.rows:,} rows would be left out, for "
        f"want of {why}. A run allows {percent(allowed)}: hence the option below."
    )


def _above(share: float) -> float:
    """A round share above this one; a run finds some more to leave out."""
    return min(math.ceil((share + 0.01) * 20) / 20, 1.0)


def _proposed(
    paths: Sequence[Path], corrections: Corrections, declared: Mapping[str, str]
) -> Proposal:
    """The proposal for files that are one table.

    Raises:
        UserError: They are several; says what each holds.
    """
    tables: dict[tuple[str, ...], list[pa.Table]] = {}
    names: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        cells, _ = open_tables(_contents(path, declared))
        headers = next(iter(cells.values())).headers
        tables.setdefault(headers, []).append(rows_of(cells.values()))
        names.setdefault(headers, []).append(path.name)
    if len(tables) > 1:
        told = []
        for headers, parts in tables.items():
            try:
                found = propose_schema(pa.concat_tables(parts), names[headers][0])
                what = "order lines" if found.are_orders else "customers"
            except UserError:
                what = "neither customers nor order lines"
            told.append(f"{', '.join(names[headers])} ({what})")
        raise UserError(
            f"the files have different headers: {'; '.join(told)}. Propose one of them at a time; "
            "a run reads one table, and beside order lines the customers of SEGMENTATION_CUSTOMERS"
        )
    (headers,) = tables
    return propose_schema(pa.concat_tables(tables[headers]), ", ".join(names[headers]), corrections)


def _contents(path: Path, declared: Mapping[str, str]) -> list[Content]:
    files, _ = find_files(str(path.absolute()))
    encoding, sheet = declared.get(_ENCODING, UTF8), declared.get(_SHEET)
    return [
        Content(f.name, partial(f.filesystem.open, f.path), encoding, sheet, f.is_sure)
        for f in files
    ]


def _as_table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    shown = [[in_comment(cell)[:_WIDEST] for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in range(len(shown[0]))]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
