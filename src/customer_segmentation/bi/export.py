"""Gold tables as the files that BI tools open: Parquet, Hyper of Tableau, SBDF of Spotfire."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from customer_segmentation.bi.left import Left
from customer_segmentation.errors import UserError
from customer_segmentation.tables.columns import Table

# What Spotfire calls the types; a column without a value would else have none.
_SPOTFIRE = {
    "text": "String",
    "number": "Real",
    "whole": "LongInteger",
    "day": "DateTime",
    "moment": "DateTime",
}
_ARROW = {
    "text": pa.string(),
    "number": pa.float64(),
    "whole": pa.int64(),
    "day": pa.timestamp("us"),
    "moment": pa.timestamp("us", "UTC"),
}
_WRITING = ".writing-"
Tables = Mapping[str, pa.Table]


def export(left: Left, folder: Path, formats: Sequence[str], say: Callable[[str], None]) -> None:
    """Write every gold table of an environment to a folder; one that is not there has no rows.

    Each file appears whole or not at all, in place of the one before.

    Args:
        left: The environment.
        folder: Made if it is not there.
        formats: Some of `FORMATS`.
        say: Takes lines for people.

    Raises:
        UserError: There is no table at all, a run is publishing, or a package is missing.
    """
    if find_spec("polars") is None:
        raise _missing("polars")
    if left.ledger().publishing:
        raise UserError(
            f"{left.environment.name} is publishing the outputs of a run, or that run was killed "
            "meanwhile: export again when it has ended, or after the next run"
        )
    declared = left.tables
    found = {name: left.read(name) for name in declared}
    if not any(table is not None for table in found.values()):
        raise UserError(
            f"{left.environment.name} has no gold table yet: kedro run "
            f"--env={left.environment.name} makes them"
        )
    typed = {name: _typed(declared[name], table) for name, table in found.items()}
    folder.mkdir(parents=True, exist_ok=True)
    # In the folder itself, so that moving is a rename.
    writing = Path(mkdtemp(prefix=_WRITING, dir=folder))
    try:
        for kind in formats:
            for path in FORMATS[kind](typed, declared, writing):
                path.replace(folder / path.name)
            say(f"{kind}: {', '.join(sorted(p.name for p in folder.glob(f'*.{kind}')))}")
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    without = [name for name, table in found.items() if table is None]
    if without:
        say(f"Not there yet, so without rows: {', '.join(without)}")
    say(
        f"{folder} holds customers by their id: it is read by who may read gold, and neither "
        "`kedro forget` nor `kedro clean` reaches it (docs/bi.md)"
    )


def _typed(declared: Table, table: pa.Table | None) -> pa.Table:
    schema = pa.schema([pa.field(c.name, _ARROW[c.type]) for c in declared.columns])
    return schema.empty_table() if table is None else table.cast(schema)


def _parquet(tables: Tables, _: Mapping[str, Table], folder: Path) -> Iterator[Path]:
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        yield path


def _hyper(tables: Tables, _: Mapping[str, Table], folder: Path) -> Iterator[Path]:
    try:
        import pantab  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise _missing("pantab") from error
    path = folder / "gold.hyper"
    # Else it leaves a log where the command is started.
    pantab.frames_to_hyper(dict(tables), path, process_params={"log_dir": str(folder)})
    yield path


def _sbdf(tables: Tables, declared: Mapping[str, Table], folder: Path) -> Iterator[Path]:
    try:
        import spotfire  # noqa: PLC0415 - of an extra
        from spotfire import sbdf  # noqa: PLC0415 - as above
    except ImportError as error:
        raise _missing("spotfire") from error
    for name, table in tables.items():
        frame = _frame(table)
        spotfire.set_spotfire_types(
            frame, {c.name: _SPOTFIRE[c.type] for c in declared[name].columns}
        )
        path = folder / f"{name}.sbdf"
        sbdf.export_data(frame, str(path))
        yield path


def _frame(table: pa.Table) -> Any:  # noqa: ANN401 - pandas is imported with Spotfire's package
    """As Spotfire's package takes it: text as objects, and times without a zone."""
    import pandas as pd  # noqa: PLC0415 - as above

    naive = [
        (
            f.name,
            table[f.name].cast(pa.timestamp("us"))
            if pa.types.is_timestamp(f.type)
            else table[f.name],
        )
        for f in table.schema
    ]
    return pa.table(dict(naive)).to_pandas(
        types_mapper={pa.int64(): pd.Int64Dtype()}.get, date_as_object=False
    )


def _missing(package: str) -> UserError:
    return UserError(f"there is no package {package} here: pip install 'customer_segmentation[bi]'")


FORMATS: dict[str, Callable[[Tables, Mapping[str, Table], Path], Iterator[Path]]] = {
    "parquet": _parquet,
    "hyper": _hyper,
    "sbdf": _sbdf,
}
