"""Groups are told from tables without any: whatever their margins and correlations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from customer_segmentation.segmentation.scaling import Treatment
from customer_segmentation.segmentation.structure import find_structure

ROWS = 200
PLAIN = [Treatment(cap_quantile=0.95)] * 5
Array = NDArray[np.float64]


def planted(random: np.random.Generator, apart: float) -> Array:
    """Three groups in five features, each pair this many standard deviations apart."""
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]]) * apart
    centres = np.pad(places, ((0, 0), (0, 3)))
    return random.standard_normal((ROWS, 5)) + centres[random.integers(0, 3, ROWS)]


def structureless(random: np.random.Generator, kind: str) -> Array:
    normal = random.standard_normal((ROWS, 5))
    together = normal + 2.0 * random.standard_normal((ROWS, 1))
    made = {
        "uniform": random.uniform(size=(ROWS, 5)),
        "normal": normal,
        "skewed": np.exp(normal),
        "skewed together": np.exp(0.5 * together),
        "counts": random.poisson(3.0, (ROWS, 5)).astype(np.float64),
    }
    return made[kind]


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_groups_are_found(seed: int) -> None:
    values = planted(np.random.default_rng(seed), 5.0)
    assert find_structure(values, PLAIN, seed).is_grouped


@pytest.mark.parametrize("kind", ["uniform", "normal", "skewed", "skewed together", "counts"])
def test_a_table_without_groups_is_not_called_grouped(kind: str) -> None:
    # One in twenty is, by chance: these seeds are not.
    found = [
        find_structure(structureless(np.random.default_rng(seed), kind), PLAIN, seed)
        for seed in (3, 4)
    ]
    assert not all(structure.is_grouped for structure in found)


def test_the_same_table_gives_the_same_answer() -> None:
    values = planted(np.random.default_rng(1), 2.0)
    assert find_structure(values, PLAIN, 1) == find_structure(values.copy(), PLAIN, 1)


@pytest.mark.parametrize("columns", [[0, 1], [0, 5], [0, 6]])
def test_flags_and_constants_are_taken(columns: list[int]) -> None:
    random = np.random.default_rng(1)
    extra = np.column_stack([random.integers(0, 2, ROWS), np.ones(ROWS)])
    values = np.column_stack([structureless(random, "normal"), extra])[:, columns]
    structure = find_structure(values, PLAIN[:2], 1)
    assert -1.0 <= structure.silhouette <= 1.0
    assert -1.0 <= structure.by_chance <= 1.0


def test_a_frequent_value_of_a_category_is_no_group() -> None:
    treated = [*PLAIN[:3], *[Treatment(0.95, category="town")] * 3]
    found = []
    for seed in (1, 2, 3):
        random = np.random.default_rng(seed)
        flags = np.eye(3)[random.choice(3, ROWS, p=[0.8, 0.15, 0.05])]
        values = np.column_stack([random.standard_normal((ROWS, 3)), flags])
        found.append(find_structure(values, treated, seed).is_grouped)
    assert sum(found) <= 1


def test_groups_of_logarithms_are_found_where_they_count() -> None:
    values = planted(np.random.default_rng(1), 5.0) + 10.0
    as_logarithms = find_structure(np.expm1(values), [Treatment(0.95, is_log=True)] * 5, 1)
    assert as_logarithms.is_grouped
    assert as_logarithms.silhouette == pytest.approx(find_structure(values, PLAIN, 1).silhouette)


def test_features_that_are_mostly_zero_are_no_groups() -> None:
    random = np.random.default_rng(5)
    bought = np.exp(random.standard_normal((ROWS, 5)))
    rare = bought * (random.uniform(size=(ROWS, 5)) < 0.03)
    values = np.column_stack([bought[:, :4], rare[:, 4]])
    assert not find_structure(values, PLAIN, 1).is_grouped
