"""The artifact against equal scikit-learn pipelines, from the same canonical numbers.

The artifact answers with segment, runner-up, margin and every decision; a second one, of the same
segmenter without decisions, with the first three. The pipelines compute the five features, cap,
scale, project, and answer with the segment alone. One of them starts from a data frame's row and
makes the features in a ColumnTransformer, the other from a matrix and makes them in one
FunctionTransformer, the least that scikit-learn can be asked to do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from report import arguments, machine, table, write_json
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from customer_segmentation.scoring.check import scikit_learn_pipeline
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import SCHEMA
from tools.engines import ARTIFACT, run_on
from tools.generator import write

Matrix = NDArray[np.float64]
CUSTOMERS = 20_000
CALLS = 3_000


def parsed() -> Any:  # noqa: ANN401 - argparse
    """The command line."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the batch")
    return parser.parse_args()


def learn() -> tuple[Scorer, Segmenter, Matrix]:
    """The shipped configuration's artifact for synthetic customers, and their input matrix."""
    with tempfile.TemporaryDirectory() as folder:
        (file,) = write(Path(folder) / "customers.csv", CUSTOMERS, seed=1)
        learned = run_on("pandas", file, SCHEMA, ["gold_features", "named_segmenter", ARTIFACT])
    scorer = Scorer(learned[ARTIFACT].SerializeToString(), threads=1)
    features = nw.from_native(learned["gold_features"]).lazy().collect()
    return scorer, learned["named_segmenter"], scorer.matrix(features)


def on_matrix(scorer: Scorer, segmenter: Segmenter) -> Pipeline:
    """The pipeline over the artifact's own input matrix."""
    place = {name: index for index, name in enumerate(scorer.columns)}
    spends = [place[name] for name in scorer.columns if name.startswith("spend_")]
    plain = [place[n] for n in ("income", "purchases_deals", "web_visits_month")]
    year, born = place["as_of_year"], place["year_birth"]

    def features(rows: Matrix) -> Matrix:
        income, deals, visits = (rows[:, index] for index in plain)
        age, spend = rows[:, year] - rows[:, born], rows[:, spends].sum(axis=1)
        return np.column_stack([income, age, spend, deals, visits])

    return make_pipeline(FunctionTransformer(features), *_steps(segmenter))


def on_frame(scorer: Scorer, segmenter: Segmenter) -> Pipeline:
    """The pipeline over a data frame's columns of the same names."""

    def age(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[["as_of_year"]] - rows[["year_birth"]].to_numpy()

    def spend(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.sum(axis=1).to_frame()

    spends = [name for name in scorer.columns if name.startswith("spend_")]
    features = ColumnTransformer(
        [
            ("income", "passthrough", ["income"]),
            ("age", FunctionTransformer(age), ["as_of_year", "year_birth"]),
            ("spend", FunctionTransformer(spend), spends),
            ("behaviour", "passthrough", ["purchases_deals", "web_visits_month"]),
        ]
    )
    features.fit(pd.DataFrame(np.ones((2, len(scorer.columns))), columns=list(scorer.columns)))
    return make_pipeline(features, *_steps(segmenter))


def _steps(segmenter: Segmenter) -> list[Any]:
    return [step for _, step in scikit_learn_pipeline(segmenter).steps]


def beside_boundaries(matrix: Matrix, scorer: Scorer, rows: int) -> Matrix:
    """Customers moved towards one of another segment until the margin is 1e-6 to 1e-9.

    Only amounts of money move: the artifact scores no fraction of a purchase or a year.
    """
    random = np.random.default_rng(2)
    here = matrix[random.integers(0, len(matrix), 6 * rows)]
    there = matrix[random.integers(0, len(matrix), 6 * rows)]
    is_money = [name == "income" or name.startswith("spend_") for name in scorer.columns]
    there = np.where(is_money, there, here)
    labels = scorer.score(here)["segment"]
    differ = np.flatnonzero(labels != scorer.score(there)["segment"])[: rows // 2]
    here, there, labels = here[differ], there[differ], labels[differ]
    # After n halvings the two are 2^-n of their distance apart.
    halvings = random.integers(20, 31, len(here))
    for step in range(halvings.max()):
        middle = (here + there) / 2.0
        stays = scorer.score(middle)["segment"] == labels
        here = np.where((stays & (step < halvings))[:, None], middle, here)
        there = np.where((~stays & (step < halvings))[:, None], middle, there)
    return np.concatenate([here, there])


def one_row(calls: dict[str, Callable[[int], Any]]) -> list[dict[str, Any]]:
    """Microseconds a call, the sides taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for name, call in calls.items():
        for number in range(50):
            call(number)
        taken[name] = []
    for first in range(0, CALLS, 100):
        for name, call in calls.items():
            for number in range(first, first + 100):
                started = perf_counter_ns()
                call(number)
                taken[name].append((perf_counter_ns() - started) / 1000.0)
    return [
        {
            "one row": name,
            "p50 us": float(np.percentile(values, 50)),
            "p99 us": float(np.percentile(values, 99)),
            **{
                f"/ {side}": float(np.percentile(values, 50) / np.percentile(taken[side], 50))
                for side in ("artifact", "artifact without decisions")
            },
        }
        for name, values in taken.items()
    ]


def fastest(call: Callable[[], Any], times: int = 5) -> float:
    """The least seconds of several calls."""
    seconds = []
    for _ in range(times):
        started = perf_counter()
        call()
        seconds.append(perf_counter() - started)
    return min(seconds)


def main() -> None:
    """Compare one row, a batch, and every label of the batch."""
    options = parsed()
    scorer, segmenter, matrix = learn()
    plain, framed = on_matrix(scorer, segmenter), on_frame(scorer, segmenter)
    rows = [matrix[n : n + 1] for n in range(CALLS)]
    frames = [pd.DataFrame(row, columns=list(scorer.columns)) for row in rows]
    short = Scorer(build_segmenter(replace(segmenter, decisions=())).SerializeToString())
    kept = [scorer.columns.index(name) for name in short.columns]
    short_rows = [np.ascontiguousarray(row[:, kept]) for row in rows]
    near = beside_boundaries(matrix, scorer, options.rows // 2)
    drawn = np.random.default_rng(1).integers(0, len(matrix), options.rows - len(near))
    batch = np.ascontiguousarray(np.concatenate([matrix[drawn], near]))
    with threadpool_limits(limits=1):
        latencies = one_row(
            {
                "artifact": lambda n: scorer.score(rows[n]),
                "artifact without decisions": lambda n: short.score(short_rows[n]),
                "scikit-learn, matrix": lambda n: plain.predict(rows[n]),
                "scikit-learn, data frame": lambda n: framed.predict(frames[n]),
            }
        )
        seconds = {
            "artifact": fastest(lambda: scorer.score(batch)),
            "scikit-learn, matrix": fastest(lambda: plain.predict(batch), 2),
        }
        answers = scorer.score(batch)
        differing = int((answers["segment"] != plain.predict(batch)).sum())
    margins = np.abs(answers["margin"][len(drawn) :])

    print(f"artifact with {len(segmenter.centroids)} segments and all decisions, learned from")
    print(f"{CUSTOMERS:,} synthetic customers (seed 1); the peers answer with the segment alone")
    print(f"all in this process, one thread each; {machine()}")
    table(latencies)
    batches = [
        {
            "batch": name,
            "rows": len(batch),
            "best s": value,
            "/ artifact's": value / seconds["artifact"],
        }
        for name, value in seconds.items()
    ]
    table(batches)
    print(
        f"labels that differ: {differing} of {len(batch):,}, of which {len(near):,} are beside a "
        f"boundary\n(margin median {np.median(margins):.1g}, largest {margins.max():.1g})"
    )
    numbers = {
        "one_row": latencies,
        "batch": batches,
        "differing": differing,
        "rows": len(batch),
        "beside_boundary": len(near),
    }
    write_json(options.json, numbers)


if __name__ == "__main__":
    main()
