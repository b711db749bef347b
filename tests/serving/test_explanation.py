"""Explanations: pulls that add up, and changes that are the smallest by trying every one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from customer_segmentation.scoring.metadata import scaling_of
from customer_segmentation.serving.bundle import Bundle, Champion
from customer_segmentation.serving.explanation import Explainer
from customer_segmentation.serving.validation import ReadCustomer
from tests.marketing import COLUMNS, on_arrays
from tests.scoring.example import draw_customers
from tests.serving.example import a_new_customer, write_bundle

CHANGEABLE = [name for name, column in COLUMNS.items() if column.changeable]


@pytest.fixture(scope="module")
def loaded(bundle: Path) -> Bundle:
    return Champion(str(bundle)).current


@pytest.fixture(scope="module")
def customers(loaded: Bundle) -> list[ReadCustomer]:
    drawn = draw_customers(40, seed=3)[list(loaded.contract.columns)]
    return [ReadCustomer(None, row, is_cold=False) for row in drawn.to_dict("records")]


def distances(loaded: Bundle, customer: ReadCustomer) -> np.ndarray:
    """Squared distances to the centroids, from the features alone."""
    said = loaded.segmenter.metadata
    scaling = scaling_of(said)
    columns = {name: np.array([[value]]) for name, value in customer.numbers.items()}
    features = on_arrays(scaling.features, columns)
    raw = np.array([[features[name][0, 0] for name in scaling.features]])
    point = scaling.standardised(raw) @ np.array(said["components"])
    return ((point - np.array(said["centroids"])) ** 2).sum(axis=1)


def test_the_pulls_add_up_to_the_difference_of_the_squared_distances(
    loaded: Bundle, customers: list[ReadCustomer]
) -> None:
    for customer in customers:
        found = Explainer().explain(loaded, customer)
        own, other = np.sort(distances(loaded, customer))[:2]
        assert sum(part.pull for part in found.pulls) == pytest.approx(other - own)


def test_the_strongest_pull_comes_first(loaded: Bundle, customers: list[ReadCustomer]) -> None:
    pulls = [abs(part.pull) for part in Explainer().explain(loaded, customers[0]).pulls]
    assert pulls == sorted(pulls, reverse=True)


def segment_of(loaded: Bundle, customer: ReadCustomer, **changed: float) -> int:
    row = np.array([list((customer.numbers | changed).values())])
    return int(loaded.segmenter.score(row)["segment"][0])


def test_the_smallest_change_is_the_smallest_of_all_and_moves_the_customer(
    loaded: Bundle, customers: list[ReadCustomer]
) -> None:
    moved = 0
    for customer in customers:
        found = Explainer().explain(loaded, customer)
        other = loaded.keys.index(found.against)
        change = found.smallest_change
        if change == "none":
            continue
        moved += 1
        assert change.field in CHANGEABLE
        assert change.to == change.from_ + change.change
        assert segment_of(loaded, customer, **{change.field: change.to}) == other
        # Every smaller whole change of every input, one by one, for those within reach.
        for size in range(1, min(int(abs(change.change)), 60)):
            for name in CHANGEABLE:
                for value in (customer.numbers[name] - size, customer.numbers[name] + size):
                    if value >= 0.0:
                        assert segment_of(loaded, customer, **{name: value}) != other
    assert moved > len(customers) / 2


def test_a_large_change_is_found_to_the_unit(loaded: Bundle) -> None:
    """From a customer who bought nothing the way may be hundreds of units of spend."""
    nothing = dict.fromkeys(CHANGEABLE, 0.0)
    row = draw_customers(1, seed=1)[list(loaded.contract.columns)].to_dict("records")[0]
    customer = ReadCustomer(None, row | nothing, is_cold=False)
    explanation = Explainer().explain(loaded, customer)
    found, other = explanation.smallest_change, loaded.keys.index(explanation.against)
    assert abs(found.change) > 60
    assert segment_of(loaded, customer, **{found.field: found.to}) == other
    one_less = found.to - np.sign(found.change)
    assert segment_of(loaded, customer, **{found.field: one_less}) != other


def test_nobodys_age_or_income_is_changed() -> None:
    assert not {"year_birth", "income", "kids_home"} & {*CHANGEABLE}


def test_who_has_not_bought_has_no_explanation_but_a_note(loaded: Bundle) -> None:
    read = loaded.contract.read(a_new_customer(), "$")
    assert isinstance(read, ReadCustomer)
    assert set(msgspec.to_builtins(Explainer().explain(loaded, read))) == {"note"}


def test_a_new_artifact_empties_what_is_kept(
    loaded: Bundle, customers: list[ReadCustomer], tmp_path: Path
) -> None:
    other = Champion(str(write_bundle(tmp_path, segments=2))).current
    explainer = Explainer()
    first = explainer.explain(loaded, customers[0])
    assert explainer.explain(loaded, customers[0]) is first
    assert explainer.explain(other, customers[0]).against in other.keys
    again = explainer.explain(loaded, customers[0])
    assert again == first
    assert again is not first
