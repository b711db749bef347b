"""What spares time in all tests of pipelines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customer_segmentation.segmentation import structure


@pytest.fixture(scope="module", autouse=True)
def one_reference() -> Iterator[None]:
    """Customers are compared with one table without groups instead of 19, in these tests only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "_REFERENCES", 1)
        yield
