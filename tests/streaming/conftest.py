"""A champion of the shop, learned once."""

from __future__ import annotations

import pytest

from customer_segmentation.bundles.store import BundleStore
from tests.streaming.home import champion, shop


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> BundleStore:
    return champion(shop(), tmp_path_factory.mktemp("champion"))
