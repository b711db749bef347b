"""Counts audiences of many customers as one types: `python benchmarks/audiences.py [CUSTOMERS]`.

The gold tables are made by chance with the columns of the default schema. Each rule is another, as
no rule is typed twice: a count has its parsing, its SQL and its query. The last lines are of a
server on this machine, asked as the page asks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from customer_segmentation.audiences.counting import Customers
from customer_segmentation.audiences.definition import Choices, Definition
from customer_segmentation.audiences.fields import FEATURES, LIFETIME, SEGMENTS
from customer_segmentation.audiences.query import Query
from tests.audiences.made import DAY, RuleMaker
from tests.marketing import SCHEMA
from tests.serving.example import write_bundle
from tests.serving.process import serving

RULES = 100
SEGMENT_KEYS = ("s0", "s1", "s2")
MEMORY = 1_000_000_000
MISSING, AGREED = 0.02, 0.7


def write_tables(folder: Path, customers: int, choices: Choices) -> dict[str, str]:
    """The gold tables and a file of consents; returns where each is."""
    chance = np.random.default_rng(20)
    ids = pa.array([f"c{number:09}" for number in range(customers)])
    tables: dict[str, dict[str, Any]] = {
        name: {"customer_id": ids} for name in (SEGMENTS, FEATURES)
    }
    tables[SEGMENTS] |= {
        "segment": pa.array(chance.choice(SEGMENT_KEYS, customers)),
        "as_of": pa.array(np.full(customers, np.datetime64(DAY, "D"))),
    }
    for field in choices.fields.values():
        if field.table == LIFETIME or field.name == "customer_id":
            continue
        missing = chance.random(customers) < MISSING
        for column in field.columns:
            if field.kind == "text":
                values: Any = chance.choice([*field.values], customers)
            elif field.kind == "code":
                values = chance.integers(0, len(field.values), customers).astype(np.float64)
            elif column.endswith("_year"):
                values = chance.integers(2012, 2015, customers).astype(np.float64)
            else:
                values = np.round(chance.gamma(1.0, 200.0, customers), 2)
            tables[field.table][column] = pa.array(values, mask=missing)
    places = {name: str(folder / f"{name}.parquet") for name in tables}
    for name, columns in tables.items():
        parquet.write_table(pa.table(columns), places[name])
    places["consents"] = str(folder / "consents.csv")
    agreed = chance.random(customers) < AGREED
    with Path(places["consents"]).open("w") as file:
        file.write("customer_id,purpose,status,on\n")
        file.writelines(
            f"c{number:09},e_mail,given,2014-01-01\n" for number in np.flatnonzero(agreed).tolist()
        )
    return places


def timed(ask: Any, rules: list[str]) -> str:  # noqa: ANN401 - whatever counts
    """The milliseconds of each rule, and those of all cores of this process, in words."""
    took, worked = [], []
    for rule in rules:
        started, before = perf_counter(), process_time()
        ask(rule)
        took.append(1e3 * (perf_counter() - started))
        worked.append(1e3 * (process_time() - before))
    wall = f"min {min(took):.0f}, median {median(took):.0f}, max {max(took):.0f} ms"
    cores = f"min {min(worked):.0f}, median {median(worked):.0f}, max {max(worked):.0f} ms"
    return f"{wall}; of all cores together {cores}"


def main() -> None:
    """Make the tables, count, and print."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    choices = Choices.of(SCHEMA, {key: key for key in SEGMENT_KEYS})
    rules = [RuleMaker(seed, choices.fields).rule(2) for seed in range(RULES)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        places = write_tables(folder, customers, choices)
        columns: dict[str, list[str]] = {
            SEGMENTS: ["customer_id", "segment"],
            FEATURES: ["customer_id"],
        }
        for field in choices.fields.values():
            columns.setdefault(field.table, []).extend(field.columns)
        started = perf_counter()
        over = Customers({name: places[name] for name in (SEGMENTS, FEATURES)}, columns, MEMORY)
        print(f"{customers:,} customers: joined in {perf_counter() - started:.1f} s")
        started = perf_counter()
        over.agree("agreed", {f"c{number:09}" for number in range(0, customers, 2)})
        print(f"Consent of a purpose and day: {perf_counter() - started:.1f} s")
        for words, purpose, segments in (
            ("rule", "", ()),
            ("segment and rule", "", ("s0", "s2")),
            ("segment and rule and consent", "e_mail", ("s0", "s2")),
        ):

            def ask(
                rule: str, purpose: str = purpose, segments: tuple[str, ...] = segments
            ) -> None:
                audience = choices.check(Definition(segments, rule, purpose))
                over.count(audience, "agreed", Query())

            print(f"{words}: {timed(ask, rules)}")
        over_http(folder, places, rules)


def over_http(folder: Path, places: dict[str, str], rules: list[str]) -> None:
    """The same through a server process, asked as the page asks."""
    bundle = folder / "bundle"
    bundle.mkdir()
    options = ["--segments", places[SEGMENTS], "--features", places[FEATURES]]
    options += ["--consents", places["consents"], "--job-workers", "0"]
    with (
        serving(write_bundle(bundle), folder / "server", *options) as server,
        httpx.Client(base_url=server.url, timeout=60.0) as client,
    ):
        started = perf_counter()
        client.get("/v1/audiences").raise_for_status()
        print(f"Over HTTP: the first answer after {perf_counter() - started:.1f} s", end="; ")
        told = client.get("/v1/audiences").json()
        has = {field["name"] for field in told["fields"]}
        purposes = [each["purpose"] for each in told["purposes"]]
        asked = [{"rule": rule, "purpose": purposes[0] if purposes else ""} for rule in rules]
        started = perf_counter()
        # As the page does, while the consents are read.
        while client.post("/v1/audiences/count", json=asked[0]).status_code != httpx.codes.OK:
            sleep(1.0)
        print(f"the first with consent after {perf_counter() - started:.1f} s")
        bodies = iter(asked)

        def ask(_rule: str) -> None:
            answer = client.post("/v1/audiences/count", content=json.dumps(next(bodies)))
            if answer.status_code != httpx.codes.OK:
                raise RuntimeError(f"{answer.text} {sorted(has)[:5]}")

        print(f"rule and consent over HTTP: {timed(ask, rules)}")
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        told = dict(line.split(":", 1) for line in status.splitlines())
        now, peak = (int(told[name].split()[0]) / 1e3 for name in ("VmRSS", "VmHWM"))
        print(f"Memory of the server: {now:,.0f} MB, at its peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
