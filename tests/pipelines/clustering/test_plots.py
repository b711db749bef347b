"""The figures say in words what they show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from customer_segmentation.pipelines.clustering.nodes import (
    ClusteringSample,
    LearnedSegmenter,
    MeasuredCandidates,
    summarise_choice,
)
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.clustering.plots import plot_choice, plot_segments
from customer_segmentation.segmentation.projection import learn_projection
from tests.pipelines.calling import call


@pytest.fixture
def panels(
    sample: ClusteringSample,
    made_up: MeasuredCandidates,
    learned: LearnedSegmenter,
    clustering: ClusteringParameters,
) -> list[Axes]:
    table, summary, _ = call(
        summarise_choice, sample=sample, candidates=made_up, learned=learned, clustering=clustering
    )
    return call(plot_choice, choice_of_k=table, summary=summary).axes


def test_each_measure_has_a_panel_that_says_what_is_better(panels: list[Axes]) -> None:
    assert [axes.get_title() for axes in panels] == [
        "Inertia (lower is tighter)",
        "Silhouette (higher is clearer)",
        "Bootstrap ARI (1 is stable)",
    ]
    assert {axes.get_xlabel() for axes in panels} == {"Number of segments k"}


def test_each_panel_marks_its_k_in_words(panels: list[Axes]) -> None:
    said = [text.get_text() for axes in panels for text in axes.texts]
    assert said == ["elbow k = 4", "chosen k = 3", "chosen k = 3"]
    assert [axes.lines[1].get_xdata()[0] for axes in panels] == [4, 3, 3]


def test_each_panel_draws_its_measure_against_k(panels: list[Axes]) -> None:
    assert all(list(axes.lines[0].get_xdata()) == [2, 3, 4, 5] for axes in panels)
    assert list(panels[2].lines[0].get_ydata()) == [0.99, 0.9, 0.85, 0.7]


def test_segments_are_named_and_their_components_explained(
    learned: LearnedSegmenter, sample: ClusteringSample
) -> None:
    (axes,) = call(plot_segments, learned=learned, sample=sample).axes
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["Segment 0", "Segment 1", "Segment 2"]
    first, second = 100.0 * learned.segmenter.projection.explained[:2]
    assert axes.get_xlabel() == f"Component 1 ({first:.0f} % of variance)"
    assert axes.get_ylabel() == f"Component 2 ({second:.0f} % of variance)"
    assert axes.get_title() == "Segments in two principal components (crosses: centroids)"


def test_every_customer_and_centroid_is_drawn_once(
    learned: LearnedSegmenter, sample: ClusteringSample
) -> None:
    (axes,) = call(plot_segments, learned=learned, sample=sample).axes
    customers, centres = axes.collections[::2], axes.collections[1::2]
    assert sum(len(drawn.get_offsets()) for drawn in customers) == len(sample.rows)
    drawn = np.concatenate([centre.get_offsets() for centre in centres])
    np.testing.assert_array_equal(drawn, learned.segmenter.centroids[:, :2])


def test_a_single_component_is_drawn_against_itself(
    learned: LearnedSegmenter, sample: ClusteringSample
) -> None:
    projection = learn_projection(sample.standardised(), sample.weights, 0.01)
    line = replace(learned.segmenter, projection=projection, centroids=np.array([[0.0], [1.0]]))
    two = replace(learned, segmenter=replace(line, names=line.names[:2]))
    (axes,) = call(plot_segments, learned=two, sample=sample).axes
    assert axes.get_xlabel() == axes.get_ylabel()
    assert axes.get_xlabel().startswith("Component 1 (")
