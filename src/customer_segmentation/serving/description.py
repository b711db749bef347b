"""The description of a bundle: segments with their typical customers, fields, counts.

A segment's typical customer is its centroid put back into features: mean + deviation times
(components @ centroid). The components are orthonormal, so that these features lie exactly on the
centroid.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from litestar import Response, get

from customer_segmentation.customers.contract import AS_OF, CHANNELS, PRODUCTS
from customer_segmentation.features.decisions import DECISIONS
from customer_segmentation.features.definitions import describe
from customer_segmentation.features.labels import LABELS
from customer_segmentation.scoring.metadata import scaling_of
from customer_segmentation.serving.answers import DECIDED
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.explanation import CHANGEABLE
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.responses import AnyRequest, cached_response
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.stored import Summary
from customer_segmentation.serving.validation import Contract

# Where no feature says how often a customer buys: once in two months, over two years.
_PURCHASES = 12.0
_AGE, _TENURE_DAYS = 40.0, 365.0


class Typical(msgspec.Struct):
    """What a feature of a segment's typical customer is; `cap`: from there on, more is the same."""

    feature: str
    value: float
    cap: float
    unit: str
    description: str


class Segment(msgspec.Struct):
    """A segment; `customer` is a record, of the contract's fields, like its typical customer.

    `customers`, `share` (of 1), `offer` (the most frequent) and `offer_share` (of 1, of the
    segment's customers) are of the last batch run, null where it has stored nothing, or the answers
    of another artifact.
    """

    key: str
    name: str
    typical: list[Typical]
    customer: dict[str, str | int]
    customers: int | None = None
    share: float | None = None
    offer: str | None = None
    offer_share: float | None = None


class Field(msgspec.Struct):
    """A field of a customer's record; `minimum` and `maximum` are allowed, null where none is.

    `needed` and `needed_at_sign_up`: by the segmenter, and by the cold-start model; `changeable`:
    by the retailer, so that a smallest change may name it.
    """

    name: str
    kind: str
    description: str
    unit: str
    accepted: str
    aliases: list[str]
    needed: bool
    needed_at_sign_up: bool
    changeable: bool
    whole: bool
    minimum: float | None
    maximum: float | None
    categories: list[str]


class Stored(msgspec.Struct):
    """The last batch run's answers: how many customers, and of which artifact.

    `is_of_champion`: of the bundle's; else no segment above counts them.
    """

    customers: int
    artifact_version: str
    is_of_champion: bool


class Description(msgspec.Struct):
    """The bundle in use; `stored` is null where no batch run has stored answers yet.

    `labels`: field, feature, answer, or an answer's value -> what people call it, as in a sentence.
    `decisions`: each answer beside the segment -> its unit.
    `left_out`: answer, or `cold_start` -> why this bundle does not give it.
    """

    artifact_version: str
    as_of: str
    segments: list[Segment]
    fields: list[Field]
    labels: dict[str, str]
    decisions: dict[str, str]
    left_out: dict[str, str]
    stored: Stored | None


def describe_bundle(bundle: Bundle, summary: Summary | None) -> Description:
    """Describe the bundle and what the last batch run stored.

    Args:
        bundle: In use.
        summary: Of the stored answers, if any.
    """
    metadata = bundle.segmenter.metadata
    is_own = summary is not None and summary.artifact_version == bundle.version
    segments = []
    for place, segment in enumerate(metadata["segments"]):
        typical = _typical(metadata, place)
        customer = typical_customer(bundle, typical)
        described = Segment(segment["key"], segment["name"], typical, customer)
        if summary and is_own and (counts := summary.segments.get(described.key)):
            described.customers = counts.customers
            described.share = counts.customers / summary.customers
            described.offer, described.offer_share = counts.offer, counts.offer_share
        segments.append(described)
    return Description(
        artifact_version=bundle.version,
        as_of=bundle.contract.as_of.isoformat(),
        segments=segments,
        fields=[_field(bundle.contract, name) for name in bundle.contract.rules],
        labels=LABELS,
        decisions={name: DECISIONS[name].unit for name in DECIDED},
        left_out=bundle.left_out,
        stored=Stored(summary.customers, summary.artifact_version, is_own) if summary else None,
    )


def typical_customer(bundle: Bundle, typical: list[Typical]) -> dict[str, str | int]:
    """A record with every field that the segmenter needs, as near to the features as it can be.

    A total is split by the usual shares of the base. What no feature says is the minimum of its
    range, the first category, or a purchase every two months.
    """
    contract = bundle.contract
    known = {part.feature: part.value for part in typical}
    known |= _parts_of(known, "spend_total", _usual(bundle, "spend", "product", PRODUCTS), 0.0)
    channels = _usual(bundle, "purchases", "channel", CHANNELS)
    known |= _parts_of(known, "purchases_total", channels, _PURCHASES)
    known["year_birth"] = contract.as_of.year - known.get("age", _AGE)
    known.setdefault("kids_home", known.get("children", 0.0))
    return {name: _allowed(contract, name, known) for name in contract.needed if name != AS_OF}


def description_routes(server: Server) -> list[Any]:
    """`GET /v1/bundle`."""

    @lru_cache(maxsize=4)
    def described(bundle: Bundle, summary: Summary | None) -> bytes:
        return msgspec.json.encode(describe_bundle(bundle, summary))

    # Not open: it says how many customers there are.
    @get("/v1/bundle", opt={"access": "score"}, sync_to_thread=True)
    def bundle(request: AnyRequest) -> Response[bytes]:
        summary = None
        with suppress(FileNotFoundError):
            summary = server.stored.summary()
        current = bundle_of(request.scope)
        etag = f'"{current.version}-{summary.state if summary else ""}"'
        return cached_response(request, etag, lambda: described(current, summary))

    return [bundle]


def _typical(metadata: Mapping[str, Any], place: int) -> list[Typical]:
    scaling = scaling_of(metadata)
    standardised = np.array(metadata["components"]) @ np.array(metadata["centroids"][place])
    values = standardised * scaling.deviations + scaling.means
    parts = zip(scaling.features, values.tolist(), scaling.caps.tolist(), strict=True)
    return [Typical(name, value, cap, *reversed(describe(name))) for name, value, cap in parts]


def _usual(bundle: Bundle, group: str, decision: str, names: tuple[str, ...]) -> dict[str, float]:
    """Column -> its usual share of the group's sum, in the base that the artifact learned from."""
    learned = bundle.segmenter.metadata["learned"].get(decision, {})
    shares = learned.get("means", [1.0 / len(names)] * len(names))
    return {f"{group}_{name}": share for name, share in zip(names, shares, strict=True)}


def _parts_of(
    known: Mapping[str, float], whole: str, usual: Mapping[str, float], default: float
) -> dict[str, float]:
    """The parts of a total that no feature gives, split by their usual shares."""
    unknown = {name: share for name, share in usual.items() if name not in known}
    left = known.get(whole, default) - sum(known.get(name, 0.0) for name in usual)
    # All shares are 0 in a base without purchases.
    of_all = sum(unknown.values()) or 1.0
    return {name: max(left, 0.0) * share / of_all for name, share in unknown.items()}


def _allowed(contract: Contract, name: str, known: Mapping[str, float]) -> str | int:
    """The value that the contract accepts nearest to what is known."""
    rule = contract.rules[name]
    if rule["kind"] == "category":
        return max(rule["categories"], key=lambda category: known.get(f"{name}_{category}", 0.0))
    if rule["kind"] == "date":
        max_days = (contract.as_of - contract.enrolled_from).days
        days = min(max(round(known.get("tenure_days", _TENURE_DAYS)), 0), max_days)
        return (contract.as_of - timedelta(days=days)).isoformat()
    if rule["kind"] == "key":
        return "typical"
    minimum, maximum = contract.range_of(name)
    value = min(max(known.get(name, minimum), minimum), maximum)
    # Whole monetary units are enough for a reader.
    return round(value)


def _field(contract: Contract, name: str) -> Field:
    minimum, maximum = contract.range_of(name)
    known = {
        "unit": "",
        "whole": False,
        "categories": [],
        **contract.rules[name],
        "accepted": contract.accepted(name),
        "aliases": [alias for alias, column in contract.aliases.items() if column == name],
        "needed": name in contract.needed,
        "needed_at_sign_up": name in contract.cold_needed,
        "changeable": name in CHANGEABLE and name in contract.needed,
        "minimum": minimum if np.isfinite(minimum) else None,
        "maximum": maximum if np.isfinite(maximum) else None,
    }
    return msgspec.convert(known, Field)
