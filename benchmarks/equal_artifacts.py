"""Whether pandas, Polars and Spark learn the same artifact, to the byte, from the same rows.

Each seed is a base of generated rows of a schema, which every engine takes from the landed source
to the checked artifact. Where bytes differ, the versions do too: one is a hash of the content.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from report import arguments, machine, table, write_json

from customer_segmentation.schema.file import read_schema
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from tools.engines import ARTIFACT, run_on
from tools.generator import write
from tools.generator.any_schema import write as write_any

SCHEMAS = Path(__file__).parents[1] / "conf" / "schemas"
DEFAULT = "marketing_campaign"


def main() -> None:
    """Learn with each engine from each base, and count the artifacts that differ."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50, help="bases, default 50")
    parser.add_argument("--rows", type=int, default=2_000, help="of each base, default 2,000")
    parser.add_argument("--spark", type=int, default=0, help="seeds that Spark takes too")
    parser.add_argument("--schema", default=DEFAULT, help=f"of conf/schemas, default {DEFAULT}")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    differing = []
    file = SCHEMAS / f"{given.schema}.yml"
    schema = read_schema(file)
    for seed in range(given.seeds):
        engines = ["pandas", "polars", *(["spark"] if seed < given.spark else [])]
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.csv"
            if given.schema == DEFAULT:
                write(rows, given.rows, seed=seed)
            else:
                write_any(rows, file, given.rows, seed=seed)
            learned = {e: run_on(e, rows, schema, [ARTIFACT])[ARTIFACT] for e in engines}
        contents = {model.SerializeToString(deterministic=True) for model in learned.values()}
        if len(contents) > 1:
            versions = {engine: metadata_of(model)[VERSION] for engine, model in learned.items()}
            differing.append({"seed": seed, **versions})
    print(f"{given.schema}, {given.seeds} bases of {given.rows:,} rows: {machine()}")
    print(f"artifacts that differ between engines: {len(differing)} (Spark in {given.spark})")
    if differing:
        table(differing)
    write_json(given.json, {"seeds": given.seeds, "differing": differing})


if __name__ == "__main__":
    main()
