"""How many customers change segment by noise alone, with and without calm borders, and its cost.

Each feature that segments are made of is multiplied by 1 + noise, normal with a deviation of 2 %,
once a draw; every draw follows the base without noise. A flip is a customer whose segment differs
from that of the base. The cost is the inertia of the noisy customers, in the segments they get,
over the least, with everybody in the nearest; and, where customers have really moved (every feature
drawn anew from another customer, for a tenth of them), how many of those who changed are kept.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from report import arguments, machine, table, write_json

from customer_segmentation.pipelines.label_generation.border_calm import calm_borders
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import SCHEMA
from tools.engines import run_on
from tools.generator import write

Array = NDArray[np.float64]
THRESHOLDS = (0.0, 0.02, 0.05, 0.1, 0.2)
DRAWS = 20
MOVING = 0.1


def scored(segmenter: Segmenter, values: Array) -> tuple[pd.DataFrame, Array]:
    """The segments of customers of (rows x features), and their squared distances to each."""
    points = segmenter.projection.projected(segmenter.scaling.standardised(values))
    squares = ((points[:, None] - segmenter.centroids[None]) ** 2).sum(axis=2)
    ids = np.argsort(squares, axis=1, kind="stable")
    own, other = (np.take_along_axis(squares, ids[:, [place]], 1)[:, 0] for place in (0, 1))
    keys = np.array([name.key for name in segmenter.names])
    segments = pd.DataFrame(
        {
            "customer_id": np.arange(len(values)),
            "segment": keys[ids[:, 0]],
            "segment_name": "",
            "segment_id": ids[:, 0],
            "runner_up": keys[ids[:, 1]],
            "margin": 1.0 - np.sqrt(own / other),
        }
    )
    return segments, squares


def compare(segmenter: Segmenter, values: Array, noise: float, draws: int) -> list[dict[str, Any]]:
    """One row a threshold, averaged over the draws."""
    metadata = {"segments": [{"key": n.key, "name": n.name} for n in segmenter.names]}
    before, _ = scored(segmenter, values)
    rows = []
    for calm in THRESHOLDS:
        flips, ratios, held = [], [], []
        for seed in range(draws):
            random = np.random.default_rng(seed)
            noisy, squares = scored(segmenter, values * random.normal(1.0, noise, values.shape))
            kept = calm_borders(noisy, before, metadata, calm)
            flips.append(float(np.mean(kept["segment"] != before["segment"])))
            given = squares[np.arange(len(squares)), kept["segment_id"].to_numpy()].sum()
            ratios.append(float(given / squares.min(axis=1).sum()))
            moves = random.random(len(values)) < MOVING
            others = np.where(moves[:, None], random.permutation(values), values)
            moved, _ = scored(segmenter, others)
            has_changed = moved["segment"] != before["segment"]
            still = calm_borders(moved, before, metadata, calm)["segment"] == before["segment"]
            held.append(float(np.mean(still[has_changed])))
        rows.append(
            {
                "threshold": calm,
                "flips %": 100.0 * float(np.mean(flips)),
                "inertia": float(np.mean(ratios)),
                "real moves held back %": 100.0 * float(np.mean(held)),
            }
        )
    return rows


def main() -> None:
    """Learn the segments of a file and print what noise does to them."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--file", type=Path, help="of the default schema; else 2,000 generated")
    parser.add_argument(
        "--noise", type=float, default=0.02, help="relative deviation, default 0.02"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = options.file or write(Path(folder) / "customers.csv", 2_000, seed=1)[0]
        learned = run_on("pandas", file, SCHEMA, ["gold_features", "named_segmenter"])
    segmenter = learned["named_segmenter"]
    values = learned["gold_features"][[*segmenter.scaling.features]].to_numpy()
    print(
        f"{len(values):,} customers in {len(segmenter.names)} segments; {DRAWS} draws; {machine()}"
    )
    rows = compare(segmenter, values, options.noise, DRAWS)
    table(rows)
    write_json(options.json, {"customers": len(values), "noise": options.noise, "rows": rows})


if __name__ == "__main__":
    main()
