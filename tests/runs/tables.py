"""Read what a run left in an environment, as pandas tables in one form, without its engine."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder

from tests.marketing import TABLES as SCHEMAS

TOLERANCE = 1e-9
# Of tables that say where in the source a row was.
PLACE = ["row_number", "source_name", "source_sha256"]
KEYS = {name: [*table.key] for name, table in SCHEMAS.items()}
# The history of features is of runs with a feature store; a campaign's plan and results, of theirs.
NOT_OF_EVERY_RUN = {
    *("gold_feature_history", "gold_campaign", "gold_campaign_results"),
    # What came of a campaign, likewise.
    *("gold_campaign_inputs", "gold_outcomes", "silver_outcomes_apart"),
    # Of streams alone.
    "gold_moves",
}
TABLES = {name: key for name, key in KEYS.items() if name not in NOT_OF_EVERY_RUN}


def read_table(root: str, name: str) -> pd.DataFrame:
    """A table under a root: a Delta table where there is one, else a Parquet file."""
    layer, _, table = name.partition("_")
    place = f"{root}/{layer}/{table}"
    if Path(place, "_delta_log").is_dir():
        reader = QueryBuilder().register(name, DeltaTable(place))
        found = reader.execute(f"SELECT * FROM {name}").read_all()  # noqa: S608 - our own name
        frame = pa.table(found).to_pandas()
    else:
        frame = pd.concat(map(_read_file, _parts_of(place)), ignore_index=True)
    return in_one_form(frame, KEYS[name])


def _parts_of(place: str) -> list[str]:
    """Its one file, or those of a folder."""
    files, path = fsspec.url_to_fs(place)
    if not files.isdir(path):
        return [f"{place}.parquet"]
    parts = sorted(files.ls(path, detail=False))
    # moto lists folders whose objects were all deleted, where it keeps their versions.
    return [files.unstrip_protocol(part) for part in parts if "/." not in part]


def _read_file(url: str) -> pd.DataFrame:
    with fsspec.open(url, "rb") as file:
        return pq.read_table(file).to_pandas()


def require_same_rows(root: str, expected: Mapping[str, pd.DataFrame]) -> None:
    """Hold tables under a root against others, wherever in their sources the rows stood."""
    for name in ("silver_customers", "silver_quarantine", "gold_features", "gold_segments"):
        left, right = (without_place(frame) for frame in (read_table(root, name), expected[name]))
        pd.testing.assert_frame_equal(
            left, right, check_dtype=False, rtol=TOLERANCE, atol=TOLERANCE
        )


def without_place(frame: pd.DataFrame) -> pd.DataFrame:
    found = frame.drop(columns=[*PLACE, "artifact_version"], errors="ignore")
    return found.sort_values("customer_id", ignore_index=True)


def rearranged(source: Path, folder: Path) -> Path:
    """The source's rows in another order, in three files."""
    header, *rows = source.read_bytes().splitlines()
    random.Random(5).shuffle(rows)  # noqa: S311 - no secret
    folder.mkdir()
    for part in range(3):
        (folder / f"{part}.csv").write_bytes(b"\n".join([header, *rows[part::3], b""]))
    return folder


def in_one_form(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """By key, dates without a zone, missing as NaN or None."""
    for column in frame:
        values = frame[column]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            frame[column] = values.dt.tz_convert("UTC").dt.tz_localize(None)
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            frame[column] = frame[column].astype("datetime64[us]")
    return frame.sort_values(key, ignore_index=True)
