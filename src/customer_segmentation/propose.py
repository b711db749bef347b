"""Write a schema for an unknown file, and tell what was recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa

from customer_segmentation.errors import UserError
from customer_segmentation.proposal.draft import Proposal, propose_schema
from customer_segmentation.proposal.reading import rows_of
from customer_segmentation.proposal.seen import Corrections
from customer_segmentation.proposal.text import in_comment
from customer_segmentation.settings import setting
from customer_segmentation.sources.content import UTF8, Content
from customer_segmentation.sources.files import find_files
from customer_segmentation.sources.landing import open_tables

_WIDEST = 60


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
    name = re.sub(r"\W+", "_", paths[0].name.split(".")[0].lower()).strip("_") or "customers"
    place = out or configuration / "schemas" / f"{name}.yml"
    if place.exists():
        raise UserError(f"{place} is there already: remove it, or name another file with --out")
    proposal = _proposed(paths, corrections)
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
    where = place if out else place.stem
    if len(paths) == 1:
        yield f"Next: SEGMENTATION_SCHEMA={where} SEGMENTATION_SOURCE={paths[0]} make run"
    else:
        yield "Next: put these files in a folder of their own, and"
        yield f"  SEGMENTATION_SCHEMA={where} SEGMENTATION_SOURCE=FOLDER make run"


def _proposed(paths: Sequence[Path], corrections: Corrections) -> Proposal:
    """The proposal for files that are one table.

    Raises:
        UserError: They are several; says what each holds.
    """
    tables: dict[tuple[str, ...], list[pa.Table]] = {}
    names: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        cells, _ = open_tables(_contents(path))
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


def _contents(path: Path) -> list[Content]:
    files, _ = find_files(str(path.absolute()))
    encoding, sheet = setting("SEGMENTATION_ENCODING", UTF8), setting("SEGMENTATION_SHEET") or None
    return [
        Content(f.name, partial(f.filesystem.open, f.path), encoding, sheet, f.is_sure)
        for f in files
    ]


def _as_table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    shown = [[in_comment(cell)[:_WIDEST] for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in range(len(shown[0]))]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
