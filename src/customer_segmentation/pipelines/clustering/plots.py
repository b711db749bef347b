"""A figure of the segments found."""

from __future__ import annotations

import numpy as np
import onnx
from matplotlib.figure import Figure

from customer_segmentation.pipelines.clustering.nodes import ClusteringSample
from customer_segmentation.segmentation.choice import nearest, representative_rows
from customer_segmentation.segmentation.segmenter import Segmenter

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


def plot_segments(
    _candidate: onnx.ModelProto, segmenter: Segmenter, sample: ClusteringSample
) -> Figure:
    """Customers and centroids in the first two principal components."""
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
