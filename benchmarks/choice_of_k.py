"""The sweep over k: k-means on our weighted coreset against scikit-learn's on all rows.

Both start from a table whose means and deviations are known and try k = 2 .. 10 with ten starts;
ours also with twenty, and with a few passes over all rows after that. What separates two k-means is
mostly the optimum that the best start happens to reach: a ratio below 1 is our luck. Ours lets
Polars draw the coreset through Narwhals; scikit-learn gets the standardised matrix.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from report import arguments, machine, table, write_json
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.segmentation.choice import (
    ChoiceOfK,
    fit_centroids,
    inertia,
    measure_all,
)
from customer_segmentation.segmentation.coreset import WEIGHT, draw_coreset
from customer_segmentation.segmentation.scaling import Treatment, learn_scaling

Array = NDArray[np.float64]
FEATURES = [f"feature_{n}" for n in range(15)]
KS = range(2, 11)
STARTS = 10
# Starts on a coreset are cheap, and more of them miss the best optimum less often.
MORE_STARTS = 20
BLOBS = 12


def draw(rows: int, seed: int) -> pl.DataFrame:
    """A mixture of log-normal groups of unequal size."""
    random = np.random.default_rng(seed)
    group = random.choice(BLOBS, rows, p=random.dirichlet(np.full(BLOBS, 3.0)))
    centres = random.normal(0.0, 1.0, (BLOBS, len(FEATURES)))
    spreads = random.uniform(0.3, 0.8, (BLOBS, len(FEATURES)))
    values = np.exp(centres[group] + spreads[group] * random.normal(size=(rows, len(FEATURES))))
    columns = {name: values[:, n] for n, name in enumerate(FEATURES)}
    plain = pl.DataFrame({"customer_id": [str(n) for n in range(rows)]} | columns)
    return with_sample_key(nw.from_native(plain).lazy(), "customer_id").collect().to_native()


def parsed() -> Any:  # noqa: ANN401 - argparse
    """The command line."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="default 1,000,000")
    parser.add_argument("--coreset", type=int, default=20_000, help="rows drawn, default 20,000")
    parser.add_argument("--passes", type=int, default=5, help="Lloyd passes of the refined column")
    parser.add_argument("--cap", type=float, default=0.95, help="quantile of the caps; 1 for none")
    parser.add_argument("--threads", type=int, default=1, help="of both sides, default 1")
    return parser.parse_args()


def main() -> None:
    """Time both sweeps and print them k by k."""
    options = parsed()
    frame = nw.from_native(draw(options.rows, seed=1)).lazy()
    started = perf_counter()
    scaling = learn_scaling(frame, dict.fromkeys(FEATURES, Treatment(options.cap)))
    scaling_seconds = perf_counter() - started
    matrix = scaling.standardised(frame.select(*FEATURES).collect().to_numpy())
    matrix = np.ascontiguousarray(matrix)
    with threadpool_limits(limits=options.threads):
        started = perf_counter()
        sample = draw_coreset(frame, scaling, options.rows, options.coreset, seed=1)
        points = np.ascontiguousarray(scaling.standardised(sample.select(*FEATURES).to_numpy()))
        weights = sample[WEIGHT].to_numpy()
        drawing = perf_counter() - started
        rows = [compare(k, matrix, points, weights, options.passes) for k in KS]
        started = perf_counter()
        rule = ChoiceOfK(
            minimum=3,
            maximum=max(KS),
            starts=STARTS,
            bootstraps=20,
            min_stability=0.8,
            sample_rows=5000,
        )
        measure_all(points, points, weights, rule, seed=1)
        measuring = perf_counter() - started

    peers = sum(row["scikit-learn s"] for row in rows)
    ours = drawing + sum(row["ours s"] for row in rows)
    more = drawing + sum(row[f"{MORE_STARTS} starts s"] for row in rows)
    refined = more + sum(row["passes s"] for row in rows)
    print(f"choice of k, {options.rows:,} x {len(FEATURES)} heavy-tailed mixture (seed 1)")
    print(f"capped at the quantile {options.cap:g}; {len(points):,} coreset rows")
    print(f"both sides in this process on {options.threads} thread(s); {machine()}")
    table(rows)
    print(f"scikit-learn, all rows, {STARTS} starts: {peers:.2f} s")
    print(f"ours, drawing included, {STARTS} starts: {_against(ours, peers)}")
    print(f"the same with {MORE_STARTS} starts: {_against(more, peers)}")
    print(f"... and {options.passes} passes over all rows: {_against(refined, peers)}")
    print(f"apart: drawing {drawing:.2f} s (in ours), scaling {scaling_seconds:.2f} s (in neither)")
    print(f"all that the choice measures, {STARTS} starts included: {measuring:.2f} s")
    numbers = {
        "rows": options.rows,
        "threads": options.threads,
        "cap": options.cap,
        "coreset_rows": len(points),
        "seconds": {
            "scikit_learn": peers,
            "ours": ours,
            "more_starts": more,
            "refined": refined,
            "all_measures": measuring,
        },
        "by_k": rows,
    }
    write_json(options.json, numbers)


def compare(k: int, matrix: Array, points: Array, weights: Array, passes: int) -> dict[str, Any]:
    """One k on both sides; inertias are on all rows."""
    peer, peer_seconds = timed(lambda: KMeans(k, n_init=STARTS, random_state=1).fit(matrix))
    ours, seconds = timed(lambda: fit_centroids(points, weights, k, STARTS, seed=1))
    more, more_seconds = timed(lambda: fit_centroids(points, weights, k, MORE_STARTS, seed=1))
    refined, refining = timed(
        lambda: KMeans(k, init=more, n_init=1, max_iter=passes, tol=0.0).fit(matrix)
    )
    ones = np.ones(len(matrix))
    return {
        "k": k,
        "scikit-learn s": peer_seconds,
        "ours s": seconds,
        "inertia ratio": inertia(matrix, ones, ours) / peer.inertia_,
        f"{MORE_STARTS} starts s": more_seconds,
        "ratio ": inertia(matrix, ones, more) / peer.inertia_,
        "passes s": refining,
        "ratio after": refined.inertia_ / peer.inertia_,
    }


def timed(step: Callable[[], Any]) -> tuple[Any, float]:
    """What a step gives, and the seconds it took."""
    started = perf_counter()
    with warnings.catch_warnings():
        # A few passes do not converge, nor are they meant to.
        warnings.simplefilter("ignore")
        found = step()
    return found, perf_counter() - started


def _against(seconds: float, peers: float) -> str:
    return f"{seconds:.2f} s, {peers / seconds:.1f} times faster"


if __name__ == "__main__":
    main()
