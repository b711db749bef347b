"""How far segments are from a champion's, against how many of their customers they share.

Segments of halves of the customers, and of another k, are matched to those of all customers. A pair
is a segment and the champion's that is nearest. Shared: the customers in both, over those in
either. Names should be carried on where most are shared.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from report import arguments, machine, table, write_json

from customer_segmentation.pipelines.clustering.nodes import ClusteringSample, draw_sample
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.segmentation.choice import fit_centroids, nearest
from customer_segmentation.segmentation.identity import Champion, keep_identity
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.projection import Projection, learn_projection
from tests.marketing import SCHEMA
from tools.engines import block, run_on
from tools.generator import write

KS = range(3, 7)
HALVES = 40
BOUNDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, np.inf)


class Segments:
    """The segments of customers for one k, and each customer's."""

    def __init__(self, gold: pd.DataFrame, clustering: ClusteringParameters, k: int) -> None:
        self.sample: ClusteringSample = draw_sample(gold, SCHEMA, clustering)
        standardised, weights = self.sample.standardised(), self.sample.weights
        self.projection: Projection = learn_projection(standardised, weights, clustering.variance)
        points = self.projection.projected(standardised)
        starts, seed = clustering.k.starts, clustering.seed
        self.centroids = fit_centroids(points, weights, k, starts, seed)
        self.labels = nearest(points, self.centroids)

    def champion(self) -> Champion:
        """The same as what others are compared with."""
        names = tuple(SegmentName.of(str(place)) for place in range(len(self.centroids)))
        components, scaling = self.projection.components, self.sample.scaling
        return Champion("", SCHEMA, scaling, components, self.centroids, names)


def pairs(champion: Champion, segments: Segments) -> list[tuple[float, float]]:
    """Distance and share of each segment with the champion's nearest."""
    sample, labels = segments.sample, segments.labels
    points = champion.points(sample.rows)
    usual = [SegmentName.of(f"new {place}") for place in range(len(segments.centroids))]
    found = keep_identity(usual, champion, points, labels, sample.weights, 0.5, sample.as_of)
    theirs = nearest(points, champion.centroids)
    told = []
    for place, one in enumerate(found.segments):
        own, other = labels == place, theirs == int(one.nearest)
        told.append((float(one.distance or 0.0), float((own & other).sum() / (own | other).sum())))
    return told


def main() -> None:
    """Print, for each range of distances, how many customers are shared."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--file", type=Path, help="of the default schema; else 2,000 generated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = options.file or write(Path(folder) / "customers.csv", 2_000, seed=1)[0]
        gold = run_on("pandas", file, SCHEMA, ["gold_features"])["gold_features"]
    clustering = ClusteringParameters(**block("clustering"))
    whole = {k: Segments(gold, clustering, k) for k in KS}
    champions = {k: segments.champion() for k, segments in whole.items()}
    found = [pair for a in KS for b in KS if a != b for pair in pairs(champions[a], whole[b])]
    random = np.random.default_rng(0)
    for _ in range(HALVES):
        half = gold.iloc[random.choice(len(gold), len(gold) // 2, replace=False)]
        found += [pair for k in KS for pair in pairs(champions[k], Segments(half, clustering, k))]
    print(f"{len(gold):,} customers; {HALVES} halves, k {KS[0]} to {KS[-1]}; {machine()}")
    distances, shared = np.array(found).T
    rows: list[dict[str, Any]] = []
    for low, high in pairwise(BOUNDS):
        within = shared[(distances >= low) & (distances < high)]
        if len(within):
            rows.append(
                {
                    "distance": f"{low:g} to {high:g}",
                    "pairs": len(within),
                    "least shared": float(within.min()),
                    "median": float(np.median(within)),
                }
            )
    table(rows)
    write_json(options.json, {"customers": len(gold), "rows": rows})


if __name__ == "__main__":
    main()
