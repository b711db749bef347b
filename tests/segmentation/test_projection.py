"""Weighted principal components."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from customer_segmentation.segmentation.projection import learn_projection


@pytest.fixture(scope="module")
def standardised() -> NDArray[np.float64]:
    random = np.random.default_rng(0)
    drawn = random.normal(size=(400, 5)) @ random.normal(size=(5, 5))
    return (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)


def test_with_equal_weights_it_is_scikit_learns_pca(standardised: NDArray[np.float64]) -> None:
    found = learn_projection(standardised, np.full(400, 2.5), 0.9)
    expected = PCA(n_components=0.9, svd_solver="full").fit(standardised)
    assert found.components.shape == (5, expected.n_components_)
    assert found.explained == pytest.approx(expected.explained_variance_ratio_, rel=1e-9)
    cosines = np.abs((found.components.T * expected.components_).sum(axis=1))
    assert cosines == pytest.approx(1.0, abs=1e-9)


def test_a_weight_counts_like_repeated_rows(standardised: NDArray[np.float64]) -> None:
    times = np.random.default_rng(1).integers(1, 4, 400)
    weighted = learn_projection(standardised, times.astype(np.float64), 0.95)
    repeated = learn_projection(np.repeat(standardised, times, axis=0), np.ones(times.sum()), 0.95)
    assert weighted.components == pytest.approx(repeated.components, abs=1e-10)


def test_the_largest_entry_of_a_component_is_positive(standardised: NDArray[np.float64]) -> None:
    components = learn_projection(standardised, np.ones(400), 1.0).components
    assert components.shape == (5, 5)
    assert (components.max(axis=0) == np.abs(components).max(axis=0)).all()


def test_a_feature_told_by_another_costs_no_component() -> None:
    column = np.random.default_rng(0).normal(size=300)
    column = (column - column.mean()) / column.std()
    twice = np.column_stack([column, column])
    assert learn_projection(twice, np.ones(300), 1.0).components.shape == (2, 1)


def test_projected_rows_keep_their_distances_when_all_components_are_kept(
    standardised: NDArray[np.float64],
) -> None:
    projection = learn_projection(standardised, np.ones(400), 1.0)
    norms = np.linalg.norm(projection.projected(standardised), axis=1)
    assert norms == pytest.approx(np.linalg.norm(standardised, axis=1))
