"""Landing a source and reading it back: generated customers as text, and as other kinds.

Targets for 10^6 rows x 29 as text on 2 cores: 1.6 s to land with the hash, 0.9 s to read back with
pandas.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl
from report import arguments, machine, table, write_json

from customer_segmentation.sources.dataset import READERS
from customer_segmentation.sources.landing import land
from tools.generator import write

TARGET_ROWS, MAX_LANDING, MAX_READING = 1_000_000, 1.6, 0.9
MAKERS: dict[str, Callable[[Path, Path], Any]] = {
    "text": shutil.copy,
    "gzip": lambda text, target: target.write_bytes(gzip.compress(text.read_bytes(), 1)),
    "Parquet": lambda text, target: _typed(text).sink_parquet(target),
    "JSON lines": lambda text, target: _typed(text).sink_ndjson(target),
}


def _typed(text: Path) -> pl.LazyFrame:
    return pl.scan_csv(text, separator="\t", infer_schema_length=10_000)


def main() -> None:
    """Make each kind of file, land it, and read it back by each engine."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=TARGET_ROWS)
    parser.add_argument("--kinds", nargs="+", default=[*MAKERS])
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        text, source, landed = (Path(folder) / name for name in ("text.csv", "source", "landed"))
        write(text, options.rows, 1)
        for kind in options.kinds:
            MAKERS[kind](text, source)
            started = perf_counter()
            found = land(str(source), str(landed))
            row = {"kind": kind, "MB": source.stat().st_size / 1e6}
            row |= {"landed s": perf_counter() - started, "landed MB": landed.stat().st_size / 1e6}
            for engine in ("pandas", "polars"):
                started = perf_counter()
                data = READERS[engine](str(landed), found)
                if engine == "polars":
                    data = data.collect()
                row[f"{engine} s"] = perf_counter() - started
                del data
            rows.append(row)
    print(f"{options.rows:,} generated customers (seed 1)")
    print(machine())
    table(rows)
    if options.rows == TARGET_ROWS:
        for name, maximum in (("landed s", MAX_LANDING), ("pandas s", MAX_READING)):
            print(f"target, {name}: {'met' if rows[0][name] <= maximum else 'missed'}")
    write_json(options.json, {"landing": rows})


if __name__ == "__main__":
    main()
