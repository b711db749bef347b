"""Figures of the cold-start model: its mistakes, and whether it knows how sure to be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.pipelines.supervised_training.comparison import Comparison
from customer_segmentation.pipelines.supervised_training.metrics import calibration_curve, confusion
from customer_segmentation.segmentation.labelled import LeftOut
from customer_segmentation.segmentation.training_parameters import TrainingParameters

# matplotlib.figure.Figure: its library is imported when run.
Figure = Any
Values = NDArray[np.float64]

_COLUMNS = 3
_LIMITS = (-0.03, 1.03)
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MAX_UPRIGHT = 4
_MAX_LETTERS = 16
_Z = 1.96
_DARK = 0.6
_INK, _BLUE, _GREY = "#222222", "#1f5fa8", "#888888"
_NOTE = "Out-of-fold predictions on tenured customers"


def plot_cold_start_confusion(compared: Comparison | LeftOut) -> Figure:
    """Where the exported model puts the customers of each segment, in per cent and in number."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only plots need it

    if isinstance(compared, LeftOut):
        return _plot_reason(compared.reason)
    validation = compared.validation
    counts = confusion(validation.customers.labels, validation.probabilities[compared.exported])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [segment.name for segment in validation.customers.segments]
    size = 2.6 + 1.35 * len(names)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for row, column in np.ndindex(*counts.shape):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{_percent(share)}\n{counts[row, column]:,}",
            ha="center",
            va="center",
            color="white" if share > _DARK else _INK,
        )
    is_short = len(names) <= _MAX_UPRIGHT and max(map(len, names)) <= _MAX_LETTERS
    angled: dict[str, Any] = {"rotation": 20, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), names, **({} if is_short else angled))
    members = counts.sum(axis=1)
    axes.set_yticks(
        range(len(names)), [f"{n}\n({m:,})" for n, m in zip(names, members, strict=True)]
    )
    axes.set_xlabel("Segment predicted from sign-up data")
    axes.set_ylabel("Segment (customers)")
    axes.spines[:].set_visible(False)
    figure.suptitle("Which segments sign-up data tell apart")
    axes.set_title(f"{_NOTE}; each row is 100 %", fontsize="small", color=_GREY)
    return figure


def plot_cold_start_calibration(
    compared: Comparison | LeftOut, parameters: TrainingParameters
) -> Figure:
    """For each segment, the probability given against how often it was true."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only plots need it

    if isinstance(compared, LeftOut):
        return _plot_reason(compared.reason)
    validation = compared.validation
    labels, probabilities = validation.customers.labels, validation.probabilities[compared.exported]
    segments = validation.customers.segments
    columns = min(_COLUMNS, len(segments))
    rows = -(-len(segments) // columns)
    figure = Figure(figsize=(3.3 * columns + 0.4, 3.3 * rows + 1.0), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for number, (axes, segment) in enumerate(zip(grid, segments, strict=False)):
        curve = calibration_curve(
            labels == number, probabilities[:, number], parameters.calibration_bins
        )
        given, happened, members = (np.array(part) for part in zip(*curve, strict=True))
        low, high = _wilson(happened, members)
        axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
        axes.vlines(given, low, high, color=_BLUE, linewidth=1)
        axes.plot(given, happened, "o-", color=_BLUE, markersize=4, linewidth=1.2)
        axes.set_title(segment.name, fontsize="medium")
        axes.set(xlim=_LIMITS, ylim=_LIMITS, xticks=_TICKS, yticks=_TICKS, aspect="equal")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(segments) :]:
        axes.set_visible(False)
    figure.supxlabel("Probability given at sign-up")
    figure.supylabel("Share that is in the segment")
    figure.suptitle(
        "Do the probabilities hold?\n"
        f"{_NOTE}; a point is about {len(labels) // parameters.calibration_bins:,} customers, "
        "with its 95 % interval; on the dashed line they hold",
        fontsize="medium",
    )
    return figure


def _plot_reason(reason: str) -> Figure:
    """A figure that says why there is no model to draw."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only plots need it

    figure = Figure(figsize=(7, 2))
    figure.text(0.5, 0.5, f"No cold-start model:\n{reason}", ha="center", va="center", wrap=True)
    return figure


def _percent(share: float) -> str:
    return "<1%" if 0.0 < share < 0.01 else f"{share:.0%}"  # noqa: PLR2004 - one per cent


def _wilson(share: Values, members: Values) -> tuple[Values, Values]:
    """The 95 % interval of a share, which stays within 0 and 1.

    Source: Wilson: Probable inference, the law of succession, and statistical inference (1927).
    """
    squared = _Z**2 / members
    middle = (share + squared / 2) / (1 + squared)
    half = _Z / (1 + squared) * np.sqrt(share * (1 - share) / members + squared / (4 * members))
    return middle - half, middle + half
