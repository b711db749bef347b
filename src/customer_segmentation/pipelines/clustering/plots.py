"""Figures of the choice of k and of the segments found."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import onnx
from matplotlib.figure import Figure
from narwhals.typing import IntoDataFrame

from customer_segmentation.pipelines.clustering.nodes import ClusteringSample, LearnedSegmenter
from customer_segmentation.segmentation.choice import nearest, representative_rows

# Okabe and Ito's colours, told apart by colour-blind readers too.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#F0E442",
    "#000000",
    "#999999",
    "#7A5195",
)
_SHOWN = 3000


def plot_choice(choice_of_k: IntoDataFrame, summary: dict[str, Any]) -> Figure:
    """Inertia with its elbow, silhouette and stability, each against k."""
    table = nw.from_native(choice_of_k, eager_only=True)
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = [
        ("inertia", "Inertia (lower is tighter)", summary["elbow_k"], "elbow"),
        ("silhouette", "Silhouette (higher is clearer)", summary["k"], "chosen"),
        ("stability", "Bootstrap ARI (1 is stable)", summary["k"], "chosen"),
    ]
    for axes, (name, title, k, word) in zip(figure.subplots(1, 3), panels, strict=True):
        axes.plot(table["k"].to_list(), table[name].to_list(), "o-", color=PALETTE[0])
        axes.axvline(k, color=PALETTE[1], linestyle="--")
        axes.annotate(
            f"{word} k = {k}",
            (k, 0.04),
            xycoords=("data", "axes fraction"),
            xytext=(6, 0),
            textcoords="offset points",
            color=PALETTE[1],
        )
        axes.set(xlabel="Number of segments k", title=title)
    return figure


def plot_segments(
    _candidate: onnx.ModelProto, learned: LearnedSegmenter, sample: ClusteringSample
) -> Figure:
    """Customers and centroids in the first two principal components."""
    segmenter = learned.segmenter
    points = segmenter.projection.projected(sample.standardised())
    shown = points[representative_rows(sample.weights, _SHOWN, seed=0)]
    labels = nearest(shown, segmenter.centroids)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    second = 1 if points.shape[1] > 1 else 0
    for segment, name in enumerate(segmenter.names):
        colour = PALETTE[segment % len(PALETTE)]
        own = shown[labels == segment]
        axes.scatter(own[:, 0], own[:, second], s=8, alpha=0.45, color=colour, label=name.name)
        centre = segmenter.centroids[segment]
        axes.scatter(centre[0], centre[second], s=140, marker="X", color=colour, edgecolor="white")
    explained = np.round(100.0 * segmenter.projection.explained)
    axes.set(
        xlabel=f"Component 1 ({explained[0]:.0f} % of variance)",
        ylabel=f"Component {second + 1} ({explained[second]:.0f} % of variance)",
        title="Segments in two principal components (crosses: centroids)",
    )
    axes.legend(frameon=False)
    return figure
