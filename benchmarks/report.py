"""What every benchmark shares: its arguments, its table, and its JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with `--json`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    return parser


def machine() -> str:
    """One line on where the numbers are from."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({platform.machine()}), load {load:.1f} at the end; one run"


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows under their names, each column as wide as it needs to be."""
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def write_json(path: Path | None, numbers: dict[str, Any]) -> None:
    """Write the numbers where a path was given, and nothing otherwise."""
    if path:
        path.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    return f"{value:,.4f}" if isinstance(value, float) else str(value)
