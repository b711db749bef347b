"""What many customers look like, in counts alone: summaries add up, and nobody is found in one.

Batch, API and stream summarise the same matrix: canonical columns as numbers, as the artifacts take
them (`customers.matrix`), null as NaN. Bins are those of the champion's training data, so that any
two summaries of one baseline can be added or compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.bins import Bins, Counts
from customer_segmentation.monitoring.counting import (
    CHANCES,
    MARGINS,
    codes_of,
    counted_chances,
    counted_columns,
    counted_margins,
)

_FORMAT = 1


@dataclass(frozen=True)
class Summary:
    """Counts of the customers of a window.

    Attributes:
        baseline: Version of the artifact whose training data made the bins.
        customers: How many were answered.
        columns: Of each column that was there, (bins + 1,) customers by bin; the last are those
            without a value.
        sums: Of each, (3,) number, sum and sum of squares of what the values that are known are
            above the bins' middle.
        segments: (segments + 1,) by segment's code; the last are those without one.
        margins: (20,) by margin.
        chances: (segments + 1, 101) by segment and probability of an answer (`chance_edges`); the
            last column are those without one.
        rejected: Customers, or fields of them, that were refused: why, as the contract says it
            (`marital_status: unknown category`) -> how many.
        response: Version of the model whose probabilities are counted; '' without one. Learned from
            outcomes, it changes though the bins stay.
    """

    baseline: str
    customers: int
    columns: Mapping[str, Counts]
    sums: Mapping[str, NDArray[np.float64]]
    segments: Counts
    margins: Counts
    chances: Counts
    rejected: Mapping[str, int]
    response: str = ""

    @property
    def models(self) -> str:
        """What must be the same for counts to add up: the versions of both models."""
        return f"{self.baseline} {self.response}".rstrip()

    def merged(self, other: Summary) -> Summary:
        """The counts of both.

        Raises:
            ValueError: They are of two baselines, or of two response models.
        """
        if self.models != other.models:
            raise ValueError(f"summaries of {self.models} and {other.models} do not add up")
        return Summary(
            self.baseline,
            self.customers + other.customers,
            _added(self.columns, other.columns),
            _added(self.sums, other.sums),
            _sum(self.segments, other.segments),
            _sum(self.margins, other.margins),
            _sum(self.chances, other.chances),
            _refused(self.rejected, other.rejected),
            self.response,
        )

    def with_rejected(self, rejected: Mapping[str, int]) -> Summary:
        """The same with these refused, too: why -> how many."""
        return replace(self, rejected=_refused(self.rejected, rejected))

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "baseline": self.baseline,
            "customers": self.customers,
            "columns": {name: counts.tolist() for name, counts in sorted(self.columns.items())},
            "sums": {name: sums.tolist() for name, sums in sorted(self.sums.items())},
            "segments": self.segments.tolist(),
            "margins": self.margins.tolist(),
            "chances": self.chances.tolist(),
            "rejected": dict(sorted(self.rejected.items())),
            "response": self.response,
        }

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Self:
        """From JSON.

        Raises:
            ValueError: It is no summary.
        """
        try:
            summary = cls(
                str(stated["baseline"]),
                int(stated["customers"]),
                {str(name): _counts(counts) for name, counts in stated["columns"].items()},
                {str(n): np.array(s, dtype=np.float64) for n, s in stated["sums"].items()},
                _counts(stated["segments"]),
                _counts(stated["margins"]),
                _counts(stated["chances"]),
                {str(why): int(count) for why, count in stated["rejected"].items()},
                str(stated.get("response", "")),
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"no summary: {error!r}") from error
        summary.require_shapes()
        return summary

    def require_shapes(self) -> None:
        """Check that the parts belong together.

        Raises:
            ValueError: They do not.
        """
        whole = {
            "margins": self.margins.shape == (MARGINS,),
            "segments": self.segments.ndim == 1 and len(self.segments) > 0,
            "chances": self.chances.shape == (len(self.segments), CHANCES + 1),
            "columns": all(counts.ndim == 1 for counts in self.columns.values()),
            "sums": self.sums.keys() == self.columns.keys()
            and all(sums.shape == (3,) for sums in self.sums.values()),
        }
        if wrong := [name for name, is_whole in whole.items() if not is_whole]:
            raise ValueError(f"no summary: its {', '.join(wrong)} are of another shape")


@dataclass(frozen=True)
class Baseline:
    """What the champion learned from: `baseline.json` of its bundle.

    Attributes:
        version: Of its artifact.
        as_of: Day of its customers, in ISO format.
        segments: The keys of its segments, in the order of their codes.
        bins: Of each column.
        summary: Of the customers that it learned from.
    """

    version: str
    as_of: str
    segments: tuple[str, ...]
    bins: Mapping[str, Bins]
    summary: Summary

    def empty(self) -> Summary:
        """The summary of nobody."""
        return nobody(self.version, len(self.segments), self.summary.response)

    def summarise(
        self,
        columns: tuple[str, ...],
        matrix: NDArray[np.float64],
        outputs: Mapping[str, NDArray[Any]],
    ) -> Summary:
        """The summary of some customers.

        Args:
            columns: Names of the matrix's; those that the baseline lacks are left out.
            matrix: (customers x columns), null as NaN.
            outputs: Of the artifacts, (customers,) each: `segment`, `margin` and `p_response`, as
                far as they are known.
        """
        counts, sums = counted_columns(self.bins, columns, matrix)
        empty = self.empty()
        codes = codes_of(outputs.get("segment"), len(self.segments))
        return Summary(
            self.version,
            len(matrix),
            counts,
            sums,
            empty.segments if codes is None else np.bincount(codes, minlength=len(empty.segments)),
            counted_margins(outputs.get("margin")),
            counted_chances(outputs.get("p_response"), codes, len(self.segments)),
            {},
            empty.response,
        )

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "format": _FORMAT,
            "version": self.version,
            "as_of": self.as_of,
            "segments": list(self.segments),
            "bins": {name: bins.stated() for name, bins in sorted(self.bins.items())},
            "summary": self.summary.stated(),
        }

    @classmethod
    def of(cls, stated: Mapping[str, Any] | bytes | str) -> Self:
        """From JSON, read or as text.

        Raises:
            ValueError: It is no baseline, or one of a newer version of this project.
        """
        told = json.loads(stated) if isinstance(stated, bytes | str) else stated
        try:
            _require_format(told["format"])
            baseline = cls(
                str(told["version"]),
                str(told["as_of"]),
                tuple(str(key) for key in told["segments"]),
                {str(name): Bins.of(bins) for name, bins in told["bins"].items()},
                Summary.of(told["summary"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no baseline: {error!r}") from error
        baseline.require_fitting(baseline.summary)
        return baseline

    def require_fitting(self, summary: Summary) -> None:
        """Check that a summary was counted in these bins.

        Raises:
            ValueError: It was not.
        """
        summary.require_shapes()
        wrong = [
            name
            for name, counts in summary.columns.items()
            if name not in self.bins or len(counts) != self.bins[name].count + 1
        ]
        if summary.baseline != self.version or len(summary.segments) != len(self.segments) + 1:
            wrong.append("segments")
        if wrong:
            raise ValueError(f"counted in other bins than those of {self.version}: {wrong}")


def _require_format(given: object) -> None:
    if given != _FORMAT:
        raise ValueError(f"its format is {given}, not {_FORMAT}")


def nobody(version: str, segments: int, response: str = "") -> Summary:
    """The summary of nobody: a version, how many segments it has, and the response model's."""
    chances = np.zeros((segments + 1, CHANCES + 1), dtype=np.int64)
    margins = np.zeros(MARGINS, dtype=np.int64)
    return Summary(version, 0, {}, {}, chances[:, 0].copy(), margins, chances, {}, response)


def _refused(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {why: one.get(why, 0) + other.get(why, 0) for why in sorted({*one, *other})}


def _counts(given: Any) -> Counts:  # noqa: ANN401 - of JSON
    counts = np.array(given, dtype=np.int64)
    if (counts < 0).any():
        raise ValueError("a count is below 0")
    return counts


def _sum(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    if one.shape != other.shape:
        raise ValueError("summaries that were counted in other bins do not add up")
    return one + other


def _added(
    one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Of each column the counts of both; one that only one of them has is that one's."""
    both = {name: _sum(counts, other[name]) for name, counts in one.items() if name in other}
    return {**one, **other, **both}
