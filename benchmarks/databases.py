"""A table of customers in PostgreSQL: read whole, then the hundredth part of it that changed.

Generated customers (seed 1) with the types of their columns, in a server of its own on this
machine. Each reading is timed in a process of its own, once all is imported: from the connection
until the parts last, and on until the landed file of all parts is there, as `kedro run` has it.
Peers read the same table into memory and land nothing. Targets for 10^6 rows on 2 cores: 20 s
whole, 2 s for 1 %.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import adbc_driver_postgresql.dbapi  # noqa: F401 - imported before the clock starts
import connectorx  # noqa: F401 - as above
import pandas as pd
import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import sql
from report import arguments, machine, table, write_json

from customer_segmentation.sources.arrivals.current import write_current
from customer_segmentation.sources.arrivals.parts import Parts, Reader, land_arrivals
from customer_segmentation.sources.readers.databases import DatabaseReader, PostgresChangesReader
from tests.services.postgresql import started
from tools.generator import COLUMNS, write

TARGET_ROWS, WHOLE_SECONDS, CHANGED_SECONDS = 1_000_000, 20.0, 2.0
TEXTS = {"Education", "Marital_Status", "Dt_Customer", "Income"}
KINDS = ("full", "incremental", "wal2json")
PEERS = {
    "ConnectorX": "rows = len(pl.read_database_uri(query, url))",
    "ADBC": "rows = len(pl.read_database_uri(query, url, engine='adbc'))",
    "pandas": (
        "engine = sa.create_engine(url.replace('postgresql:', 'postgresql+psycopg:'));"
        "rows = len(pd.read_sql(query, engine))"
    ),
}


def fill(url: str, rows: int, folder: Path) -> None:
    """The customers, of whom each changed a second after the one before."""
    (file,) = write(folder / "customers.csv", rows)
    columns = [
        sql.SQL("{} {}").format(
            sql.Identifier(name), sql.SQL("text" if name in TEXTS else "integer")
        )
        for name in COLUMNS
    ]
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(sql.SQL("CREATE TABLE customers ({})").format(sql.SQL(", ").join(columns)))
        copying = "COPY customers FROM STDIN (FORMAT csv, DELIMITER E'\\t', HEADER)"
        with session.cursor().copy(copying) as copy, file.open("rb") as content:
            while data := content.read(1 << 20):
                copy.write(data)
        session.execute(
            """
            ALTER TABLE customers ADD place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            ADD changed_at timestamptz, ALTER "Income" TYPE numeric USING "Income"::numeric
            """
        )
        session.execute(
            "UPDATE customers SET changed_at = timestamptz '2014-01-01' + place * interval '1 s'"
        )
        session.execute("CREATE INDEX ON customers (changed_at, place)")
        session.execute("VACUUM FULL ANALYZE customers")


def change(url: str) -> None:
    """One customer in a hundred."""
    with psycopg.connect(url) as session:
        session.execute(
            'UPDATE customers SET "Response" = 1 - "Response", changed_at = now() '
            "WHERE place % 100 = 1"
        )


def reader_of(kind: str, url: str) -> Reader:
    """The reader of a kind."""
    if kind == "full":
        return DatabaseReader(url=url, table="customers")
    if kind == "wal2json":
        return PostgresChangesReader(url=url, table="customers", slot="benchmark", key="place")
    return DatabaseReader(
        url=url, table="customers", mode="incremental", cursor="changed_at", key="place"
    )


def land(kind: str, url: str, folder: str) -> dict[str, Any]:
    """Read and land, in a process of its own."""
    started_at, used = perf_counter(), process_time()
    parts = Parts(f"{folder}/{kind}")
    reader = reader_of(kind, url)
    rows = sum(part.rows for part in land_arrivals(reader, parts))
    landed, rewritten = perf_counter() - started_at, len(parts.complete())
    write_current(parts, Path(folder) / "current.parquet", ["place"], reader.name)
    return {
        "rows": rows,
        "landed s": landed,
        "with current s": perf_counter() - started_at,
        "CPU s": process_time() - used,
        "parts": rewritten,
    }


def peer(kind: str, url: str) -> dict[str, Any]:
    """Read into memory, in a process of its own."""
    found = {"url": url, "query": "SELECT * FROM customers", "pl": pl, "pd": pd, "sa": sa}
    started_at, used = perf_counter(), process_time()
    exec(PEERS[kind], found)  # noqa: S102 - the text stands above
    seconds, spent = perf_counter() - started_at, process_time() - used
    return {
        "rows": found["rows"],
        "landed s": seconds,
        "with current s": seconds,
        "CPU s": spent,
        "parts": 0,
    }


def peak_bytes() -> float:
    """The most memory that this process held at once; what it was forked from is not counted."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return 1024.0 * int(found[1]) if found else 0.0


def measured(name: str, *asked: str) -> dict[str, Any]:
    """A row of the table."""
    done = subprocess.run(  # noqa: S603 - this file
        [sys.executable, __file__, "--apart", *asked], stdout=subprocess.PIPE, text=True, check=True
    )
    found = {"reading": name} | json.loads(done.stdout.splitlines()[-1])
    print(found, file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Fill a server, and time each reading."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=TARGET_ROWS, help="default 1,000,000")
    parser.add_argument("--apart", nargs="+", help="for this program itself")
    options = parser.parse_args()
    if options.apart:
        kind, *rest = options.apart
        found = land(kind, *rest) if kind in KINDS else peer(kind, *rest)
        print(json.dumps(found | {"MB": peak_bytes() / 1e6}))
        return
    rows = []
    with started() as server, tempfile.TemporaryDirectory() as folder:
        url = server.url()
        fill(url, options.rows, Path(folder))
        rows += [measured(f"{kind}, all", kind, url, folder) for kind in KINDS]
        rows += [measured(f"{kind}, unchanged", kind, url, folder) for kind in KINDS]
        change(url)
        rows += [measured(f"{kind}, 1 % changed", kind, url, folder) for kind in KINDS]
        rows += [measured(f"{kind} (peer), all", kind, url) for kind in PEERS]
    print(f"{options.rows:,} generated customers (seed 1), {len(COLUMNS) + 2} columns, PostgreSQL")
    print(machine())
    table(rows)
    if options.rows == TARGET_ROWS:
        by_name = {row["reading"]: row["with current s"] for row in rows}
        whole, changed = by_name["full, all"], by_name["incremental, 1 % changed"]
        print(f"whole: {'met' if whole <= WHOLE_SECONDS else 'missed'}, {whole:.1f} s")
        print(f"1 % changed: {'met' if changed <= CHANGED_SECONDS else 'missed'}, {changed:.2f} s")
    write_json(options.json, {"databases": rows, "rows": options.rows})


if __name__ == "__main__":
    main()
