"""Monitoring: time to count 10^7 customers, figures beside Evidently's, false alarms, found shifts.

`EVIDENTLY_PYTHON` names the Python of an environment with evidently 0.7 and pandas 2; without it,
nothing is compared with Evidently, and the script says so. It wants 8 GB of memory, or --rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from report import arguments, machine, table, write_json

from customer_segmentation.monitoring.bins import number_bins
from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.distances import population_stability, wasserstein
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.measures import measure
from customer_segmentation.monitoring.profit import estimated_profit
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody
from customer_segmentation.monitoring.tables import count_table
from tests.monitoring.customers import population_of

COLUMNS = 30
# Customers of a zero-inflated column who have a value.
HAVE = 0.3
SEGMENTS = ("a", "b", "c", "d")
SIZES = (50, 300, 2_000, 10_000, 100_000)
SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "customers.csv"
COST, VALUE = 3.0, 11.0


def made(draw: np.random.Generator, rows: int) -> dict[str, NDArray[np.float64]]:
    """Normal, skewed, zero-inflated columns, and counts."""
    kinds = (
        lambda: draw.normal(50.0, 10.0, rows),
        lambda: draw.lognormal(3.0, 1.0, rows),
        lambda: draw.exponential(100.0, rows) * (draw.random(rows) < HAVE),
        lambda: draw.poisson(3.0, rows).astype(np.float64),
    )
    return {f"c{place:02}": kinds[place % len(kinds)]() for place in range(COLUMNS)}


def baseline_of(customers: pl.DataFrame) -> Baseline:
    """Bins of the first 5,000, counts of all."""
    names = [name for name in customers.columns if name.startswith("c")]
    bins = {name: number_bins(customers[name][:5_000].to_numpy()) for name in names}
    empty = Baseline("v1", "2014-06-30", SEGMENTS, bins, nobody("v1", len(SEGMENTS)))
    return replace(empty, summary=count_table(nw.from_native(customers).lazy(), empty))


def counting(rows: int) -> dict[str, Any]:
    """Seconds to count a table in memory with Polars: columns, segments, margins, probabilities."""
    draw = np.random.default_rng(0)
    customers = pl.DataFrame(made(draw, rows)).with_columns(
        segment=pl.Series(draw.integers(0, len(SEGMENTS), rows)).cast(pl.Float64),
        margin=pl.Series(draw.random(rows)),
        p_response=pl.Series(draw.random(rows) ** 3),
    )
    baseline = baseline_of(customers.head(5_000))
    start, used = perf_counter(), os.times()
    summary = count_table(nw.from_native(customers).lazy(), baseline)
    seconds, spent = perf_counter() - start, os.times()
    assert summary.customers == rows  # noqa: S101 - a benchmark of the right thing
    cpu = spent.user - used.user + spent.system - used.system
    return {"rows": rows, "columns": COLUMNS, "seconds": seconds, "CPU seconds": cpu}


def beside_evidently(rows: int) -> list[dict[str, Any]]:
    """Our figures in Evidently's bins and in our own, beside Evidently's of the same rows."""
    python = os.environ.get("EVIDENTLY_PYTHON")
    if not python:
        print("EVIDENTLY_PYTHON names no environment with evidently: nothing is compared with it")
        return []
    draw = np.random.default_rng(1)
    then, now = pl.DataFrame(made(draw, rows)), pl.DataFrame(made(draw, rows))
    now = now.with_columns(pl.col(name) + pl.col(name).std() * 0.3 for name in now.columns[::5])
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/then.csv", f"{folder}/now.csv"]
        for frame, file in zip((then, now), files, strict=True):
            frame.write_csv(file)
        script = Path(__file__).with_name("monitoring_peer.py")
        told = subprocess.run(  # noqa: S603 - a Python that the caller names
            [python, str(script), *files], check=True, capture_output=True, text=True
        )
    theirs = json.loads(told.stdout)
    baseline = baseline_of(then)
    start = perf_counter()
    counted = count_table(nw.from_native(now).lazy(), baseline)
    window = Window("batch", "2014-07-01", "2014-07-02", rows, "v1")
    findings = measure(window, baseline, counted, None, Bounds())
    ours = perf_counter() - start
    print(f"{rows:,} rows x {COLUMNS}: ours {ours:.2f} s, Evidently {theirs['seconds']:.2f} s")
    return [_row(name, then, now, findings, theirs["columns"][name]) for name in then.columns]


def _row(
    name: str,
    then: pl.DataFrame,
    now: pl.DataFrame,
    findings: list[Finding],
    theirs: dict[str, float],
) -> dict[str, Any]:
    pair = then[name].to_numpy(), now[name].to_numpy()
    values = np.unique(np.concatenate(pair))
    counts = [np.histogram(each, _bins_of_evidently(*pair))[0] for each in pair]
    # Each value a bin of its own.
    exact = [np.bincount(np.searchsorted(values, each), minlength=len(values)) for each in pair]
    own = {one.measure: one.value for one in findings if one.name == name}
    return {
        "column": name,
        "PSI, Evidently": theirs["psi"],
        "ours, its bins": population_stability(*counts),
        "ours, our bins": own["psi"],
        "Wasserstein, Evidently": theirs["wasserstein"],
        "ours, its values": wasserstein(*exact, values) / pair[0].std(),
        "ours, our bins ": own["wasserstein"],
    }


def _bins_of_evidently(then: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.unique(then)
    if len(values) <= 20:  # noqa: PLR2004 - from there on it makes a histogram
        values = np.unique(np.concatenate([then, now]))
        return np.append(values, np.inf)
    return np.histogram_bin_edges(np.concatenate([then, now]), bins="sturges")


def false_alarms(windows: int) -> list[dict[str, Any]]:
    """Of windows drawn from the sample's customers, those with any alarm."""
    population, rows = population_of(SAMPLE), []
    for customers in SIZES:
        draw = np.random.default_rng(customers)
        baseline, before, wrong = population.baseline(2_000, draw), None, 0
        for now in population.windows(baseline, customers, windows, draw):
            wrong += any(one.is_alarm for one in _judged(baseline, now, before))
            before = now
        rows.append({"customers": customers, "windows": windows, "with an alarm": wrong})
    return rows


def found_shifts(repeats: int) -> list[dict[str, Any]]:
    """Half a deviation in one input of 10^4 customers: how often it is the first alarm."""
    population = population_of(SAMPLE)
    names = [name for name in population.columns if not population.bins[name].labels]
    found = dict.fromkeys(names, 0)
    for repeat in range(repeats):
        draw = np.random.default_rng(repeat)
        baseline = population.baseline(2_000, draw)
        drawn = draw.integers(0, len(population.matrix), 10_000)
        for name in names:
            place = population.columns.index(name)
            matrix = population.matrix[drawn].copy()
            matrix[:, place] += 0.5 * np.nanstd(population.matrix[:, place])
            first = _judged(baseline, baseline.summarise(population.columns, matrix, {}), None)[0]
            found[name] += first.is_alarm and first.name == name
    told = ({"input": name, "found and named first": times} for name, times in found.items())
    return [{**row, "windows": repeats} for row in told]


def _judged(baseline: Baseline, now: Summary, before: Summary | None) -> list[Finding]:
    window = Window("batch", "2014-07-01", "2014-07-02", now.customers, baseline.version)
    return measure(window, baseline, now, before, Bounds())


def profits(windows: int) -> Iterator[dict[str, Any]]:
    """Estimated against realised profit under covariate drift, the worst of four segments."""
    baseline = Baseline("v1", "2014-06-30", SEGMENTS, {}, nobody("v1", len(SEGMENTS)))
    for customers in (2_000, 10_000, 30_000, 100_000):
        near = dict.fromkeys(SEGMENTS, 0)
        contacted = 0
        for window in range(windows):
            draw = np.random.default_rng(window)
            segments = draw.integers(0, len(SEGMENTS), customers)
            odds = draw.normal(-1.5, 1.5, customers) + draw.uniform(-1.0, 1.0)
            p = 1.0 / (1.0 + np.exp(-odds))
            outputs = {"segment": segments, "p_response": p}
            summary = baseline.summarise((), np.empty((customers, 0)), outputs)
            estimates = estimated_profit(SEGMENTS, summary, COST, VALUE) or {}
            answers = draw.random(customers) < p
            for code, key in enumerate(SEGMENTS):
                pays = (segments == code) & (p * VALUE > COST)
                brought = float((VALUE * answers - COST)[pays].sum())
                near[key] += abs(estimates[key].profit - brought) <= 0.1 * abs(brought)
                contacted += int(pays.sum())
        yield {
            "customers": customers,
            "contacted a segment": contacted // windows // len(SEGMENTS),
            "within 10 %, worst segment": min(near.values()) / windows,
        }


def main() -> None:
    """Print all of it."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="that are counted")
    parser.add_argument("--windows", type=int, default=1_000, help="of each size, unchanged")
    given = parser.parse_args()
    numbers: dict[str, Any] = {"counting": [counting(given.rows)]}
    table(numbers["counting"])
    numbers["evidently"] = beside_evidently(min(given.rows, 200_000))
    if numbers["evidently"]:
        table(numbers["evidently"])
    numbers["false alarms"] = false_alarms(given.windows)
    table(numbers["false alarms"])
    numbers["found"] = found_shifts(max(1, given.windows // 100))
    table(numbers["found"])
    numbers["profit"] = [*profits(max(1, given.windows // 5))]
    table(numbers["profit"])
    print(machine())
    write_json(given.json, numbers)


if __name__ == "__main__":
    main()
