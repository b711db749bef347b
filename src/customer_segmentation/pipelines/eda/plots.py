"""Figures of correlations and distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from customer_segmentation.pipelines.eda.parameters import EdaParameters
from customer_segmentation.pipelines.eda.sample import EdaSample

# Okabe and Ito's colours, told apart by colour-blind readers too.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8C8C8C"
_OPPOSED_TO_TOGETHER = LinearSegmentedColormap.from_list("opposed", [_ORANGE, "white", _BLUE])
_MAX_PANELS = 10
_BINS = 40
# Whole numbers over a range up to this get a bin each.
_MAX_BINS = 80
# Correlations that a cell names, and those that make it so dark that it needs light text.
_NAMED, _DARK = 0.3, 0.75


def plot_correlation(sample: EdaSample, relations: pd.DataFrame, eda: EdaParameters) -> Figure:
    """Spearman correlation of targets, selected and most relevant features, like beside like."""
    wanted = [*sample.targets, *sample.selected, *relations["feature"]]
    varied = [name for name in dict.fromkeys(wanted) if sample.varies(name)]
    names = varied[: eda.heat_map_features]
    matrix = sample.numbers[names].corr(method="spearman").to_numpy()
    order = _like_beside_like(matrix)
    return _heat_map(matrix[np.ix_(order, order)], [names[i] for i in order], sample)


def _heat_map(matrix: NDArray[np.float64], names: Sequence[str], sample: EdaSample) -> Figure:
    size = 0.42 * len(names) + 3.6
    figure = Figure(figsize=(size + 1.4, size), layout="constrained")
    axes = figure.subplots()
    # The other half says the same again.
    half = np.ma.masked_array(matrix, mask=np.triu(np.ones_like(matrix, dtype=bool)))
    image = axes.imshow(half, cmap=_OPPOSED_TO_TOGETHER, vmin=-1.0, vmax=1.0)
    for (row, column), value in np.ndenumerate(matrix):
        if row > column and abs(value) >= _NAMED:
            colour = "white" if abs(value) > _DARK else "black"
            axes.text(
                column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour
            )
    labels = [_label(sample, name, sample.targets) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel=f"Feature (* target); numbers from {_NAMED} on", ylabel="Feature (* target)")
    axes.set_title(f"What goes with what: rank correlation over {sample.stated()}", loc="left")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02)
    bar.set_label("Spearman correlation: -1 opposed, 0 unrelated, 1 together")
    return figure


def _like_beside_like(matrix: NDArray[np.float64]) -> list[int]:
    """An order of the features that puts those with strong correlations next to each other."""
    from scipy.cluster.hierarchy import leaves_list, linkage  # noqa: PLC0415 - slow to import
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - slow to import

    if len(matrix) <= 2:  # noqa: PLR2004 - a pair has one order
        return list(range(len(matrix)))
    distances = 1.0 - np.abs(np.nan_to_num(matrix))
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]


def plot_distributions(sample: EdaSample, cap_quantile: float) -> Figure:
    """Histograms of the selected features: as they are, and below the cap."""
    names = [n for n in sample.selected if sample.numbers[n].notna().any()][:_MAX_PANELS]
    figure = Figure(figsize=(10, 2.0 * max(len(names), 1) + 0.8), layout="constrained")
    share = f"{100 * cap_quantile:g}"
    figure.suptitle(f"Selected features before and after the cap (dashed): {sample.stated()}")
    panels = figure.subplots(max(len(names), 1), 2, squeeze=False)
    for (before, after), name in zip(panels, names, strict=False):
        values = sample.numbers[name].dropna().to_numpy()
        cap = float(np.quantile(values, cap_quantile))
        _histogram(before, values, sample.schema.unit_of(name), _GREY)
        before.axvline(cap, color=_ORANGE, linestyle="--", linewidth=1.5)
        before.set_title(
            f"{_label(sample, name)}: as it is, up to {_number(values.max())}", fontsize=10
        )
        _histogram(after, np.minimum(values, cap), sample.schema.unit_of(name), _BLUE)
        after.set_title(
            f"{_label(sample, name)}: capped at {_number(cap)} (percentile {share})", fontsize=10
        )
    return figure


def _histogram(axes: Axes, values: NDArray[np.float64], unit: str, colour: str) -> None:
    low, high = float(values.min()), float(values.max())
    if bool((values % 1.0 == 0.0).all()) and high - low <= _MAX_BINS:
        counts, edges = np.histogram(values, np.arange(low - 0.5, high + 1.0))
    else:
        counts, edges = np.histogram(values, _BINS)
    axes.stairs(counts, edges, fill=True, color=colour)
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: _number(value))
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set(xlabel=unit, ylabel="customers")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"  # noqa: PLR2004 - 3 digits


def _label(sample: EdaSample, name: str, marked: Sequence[str] = ()) -> str:
    return sample.schema.label_of(name) + (" *" if name in marked else "")
