"""The figures say in words what they show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from customer_segmentation.pipelines.clustering.nodes import ClusteringSample
from customer_segmentation.pipelines.clustering.plots import plot_segments
from customer_segmentation.segmentation.projection import learn_projection
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.pipelines.calling import call


def test_segments_are_named_and_their_components_explained(
    segmenter: Segmenter, sample: ClusteringSample
) -> None:
    (axes,) = call(plot_segments, segmenter=segmenter, sample=sample).axes
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["Segment 0", "Segment 1", "Segment 2"]
    first, second = 100.0 * segmenter.projection.explained[:2]
    assert axes.get_xlabel() == f"Component 1 ({first:.0f} % of variance)"
    assert axes.get_ylabel() == f"Component 2 ({second:.0f} % of variance)"
    assert axes.get_title() == "Segments in two principal components (crosses: centroids)"


def test_every_customer_and_centroid_is_drawn_once(
    segmenter: Segmenter, sample: ClusteringSample
) -> None:
    (axes,) = call(plot_segments, segmenter=segmenter, sample=sample).axes
    customers, centres = axes.collections[::2], axes.collections[1::2]
    assert sum(len(drawn.get_offsets()) for drawn in customers) == len(sample.rows)
    drawn = np.concatenate([centre.get_offsets() for centre in centres])
    np.testing.assert_array_equal(drawn, segmenter.centroids[:, :2])


def test_a_single_component_is_drawn_against_itself(
    segmenter: Segmenter, sample: ClusteringSample
) -> None:
    projection = learn_projection(sample.standardised(), sample.weights, 0.01)
    centroids, names = np.array([[0.0], [1.0]]), segmenter.names[:2]
    two = replace(segmenter, projection=projection, centroids=centroids, names=names)
    (axes,) = call(plot_segments, segmenter=two, sample=sample).axes
    assert axes.get_xlabel() == axes.get_ylabel()
    assert axes.get_xlabel().startswith("Component 1 (")
