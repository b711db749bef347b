"""Which bundle a window is compared with, where a segmenter was live with several."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

from customer_segmentation.bundles.bundle import BASELINE, RESPONSE, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.summary import Baseline, nobody
from customer_segmentation.pipelines.monitoring.baselines import Baselines, Known


def stored(response: str) -> StoredBundle:
    baseline = Baseline("abc", "2014-06-30", ("low", "high"), {}, nobody("abc", 2, response))
    content = json.dumps(baseline.stated()).encode()
    return StoredBundle({RESPONSE: response.encode(), BASELINE: content})


class Store:
    """Bundles of one segmenter, the oldest first."""

    def __init__(self, *responses: str, gone: str = "") -> None:
        self._kept = {f"bundle of {each}": stored(each) for each in responses}
        self._gone = gone

    def log(self) -> list[Any]:
        return [SimpleNamespace(bundle=each, artifact_version="abc") for each in self._kept]

    def bundle(self, bundle_id: str) -> StoredBundle:
        if bundle_id == f"bundle of {self._gone}":
            raise UserError(f"{bundle_id} is gone")
        return self._kept[bundle_id]


def response_of(store: Store, response: str) -> str:
    found = Baselines(cast("BundleStore", store)).of("abc", response)
    return found.baseline.summary.response if isinstance(found, Known) else found


def test_it_is_the_one_whose_response_model_has_answered() -> None:
    assert response_of(Store("r1", "r2"), "r1") == "r1"
    assert response_of(Store("r1", "r2"), "r2") == "r2"


def test_where_that_is_gone_it_is_another_with_the_same_bins_or_it_is_said_why_none() -> None:
    assert response_of(Store("r1", "r2", gone="r1"), "r1") == "r2"
    assert response_of(Store("r1", gone="r1"), "r1") == "bundle of r1 is gone"
    assert Baselines(None).of("abc", "r1") == "the artifact abc was never live here"


def test_what_was_found_is_not_read_again() -> None:
    store = Store("r1")
    baselines = Baselines(cast("BundleStore", store))
    first = baselines.of("abc", "r1")
    store._gone = "r1"
    assert baselines.of("abc", "r1") is first
