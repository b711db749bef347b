"""The description of a bundle: segments with their typical customers, fields, counts.

A segment's typical customer is its centroid put back into features: mean + deviation times
(components @ centroid). The components are orthonormal, so that these features lie exactly on the
centroid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from litestar import Response, get

from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import AS_OF, Feature
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import scaling_of
from customer_segmentation.serving.answers import decided_of
from customer_segmentation.serving.bundle import Bundle
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
    customer: dict[str, str | float]
    customers: int | None = None
    share: float | None = None
    offer: str | None = None
    offer_share: float | None = None


class Field(msgspec.Struct):
    """A field of a customer's record; `minimum` and `maximum` are allowed, null where none is.

    `needed`, `needed_at_sign_up` and `needed_for_response`: by the segmenter, by the cold-start
    model, and for `p_response`; `changeable`: by the retailer, so that a smallest change may name
    it. `from_purchases`: unknown until somebody has bought. `meaning`: money, count, share, number,
    year, date, flag, category or key.
    """

    name: str
    kind: str
    description: str
    unit: str
    accepted: str
    aliases: list[str]
    needed: bool
    needed_at_sign_up: bool
    needed_for_response: bool
    changeable: bool
    from_purchases: bool
    meaning: str
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

    `period`: that sums of money and of purchases cover. `labels`: field, feature, answer, or an
    answer's value -> what people call it, as in a sentence.
    `decisions`: each answer beside the segment -> its unit.
    `left_out`: answer, or `cold_start` -> why this bundle does not give it.
    `unmonitored`: why nobody sees whether what it answers is still like what it learned from; null
    where that is watched.
    """

    artifact_version: str
    as_of: str
    segments: list[Segment]
    fields: list[Field]
    period: str
    labels: dict[str, str]
    decisions: dict[str, str]
    left_out: dict[str, str]
    stored: Stored | None
    unmonitored: str | None = None


def describe_bundle(
    bundle: Bundle, summary: Summary | None, unmonitored: str | None = None
) -> Description:
    """Describe the bundle and what the last batch run stored.

    Args:
        bundle: In use.
        summary: Of the stored answers, if any.
        unmonitored: Why its answers are not watched.
    """
    metadata, schema = bundle.segmenter.metadata, bundle.contract.schema
    is_own = summary is not None and summary.artifact_version == bundle.version
    segments = []
    for place, segment in enumerate(metadata["segments"]):
        typical = _typical(schema, metadata, place)
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
        period=schema.money.period,
        labels=schema.labels,
        decisions={name: schema.decisions[name].unit for name in decided_of(schema)},
        left_out=bundle.left_out,
        stored=Stored(summary.customers, summary.artifact_version, is_own) if summary else None,
        unmonitored=unmonitored,
    )


def typical_customer(bundle: Bundle, typical: list[Typical]) -> dict[str, str | float]:
    """A record with every field that the segmenter needs, as near to the features as it can be.

    A total is split by the usual shares of the base, other sums evenly. What no feature says is the
    minimum of its range, the first category, or a purchase every two months.
    """
    contract, schema = bundle.contract, bundle.contract.schema
    known = {part.feature: part.value for part in typical}
    roles = schema.roles
    for whole, pattern, decision in (
        (roles.spend, roles.product, "product"),
        (roles.purchases, roles.channel, "channel"),
    ):
        if whole and pattern:
            parts = [*schema.members_of(pattern).values()]
            default = _PURCHASES if decision == "channel" else 0.0
            known |= _parts_of(known, whole, _usual(bundle, decision, parts), default)
    for name, feature in schema.features.items():
        if name in known:
            known |= _inputs_of(schema, feature, known)
    return {name: _allowed(contract, name, known) for name in contract.needed if name != AS_OF}


def _inputs_of(schema: Schema, feature: Feature, known: Mapping[str, float]) -> dict[str, float]:
    """Columns that give a feature its value.

    Where it is an age, a number of days, a sum, or a difference or quotient of two.
    """
    value = known[feature.name]
    year, day = date_parts(AS_OF)
    for column in schema.columns.values():
        if column.age and feature.inputs == (year, column.name):
            return {column.name: schema.as_of.year - value}
        if column.kind == "date" and feature.inputs == (year, day, *date_parts(column.name)):
            return {column.name: value}
    unknown = [name for name in feature.inputs if name not in known]
    text = getattr(feature.function, "text", "")
    if not unknown or not {*unknown} <= schema.columns.keys():
        return {}
    of_two = re.fullmatch(r"(\w+) ([-/]) (\w+)", text)
    if of_two and of_two[1] in unknown and (of_two[2] == "-" or of_two[3] in known):
        other = known.get(of_two[3], 0.0)
        return {of_two[1]: max(value + other if of_two[2] == "-" else value * other, 0.0)}
    if not re.fullmatch(r"sum\(.*\)|\w+( \+ \w+)+", text):
        return {}
    left = value - sum(known.get(name, 0.0) for name in feature.inputs)
    # One of several takes it all: most have no teenagers, say, and no half ones.
    return dict.fromkeys(unknown, 0.0) | {unknown[0]: max(left, 0.0)}


def description_routes(server: Server) -> list[Any]:
    """`GET /v1/bundle`."""

    @lru_cache(maxsize=4)
    def described(bundle: Bundle, summary: Summary | None) -> bytes:
        why = server.monitor.why_not(bundle)
        return msgspec.json.encode(describe_bundle(bundle, summary, why or None))

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


def _typical(schema: Schema, metadata: Mapping[str, Any], place: int) -> list[Typical]:
    scaling = scaling_of(metadata)
    standardised = np.array(metadata["components"]) @ np.array(metadata["centroids"][place])
    values = scaling.restored(standardised)
    parts = zip(scaling.features, values.tolist(), scaling.caps.tolist(), strict=True)
    return [
        Typical(name, value, cap, *reversed(schema.describe(name))) for name, value, cap in parts
    ]


def _usual(bundle: Bundle, decision: str, names: list[str]) -> dict[str, float]:
    """Column -> its usual share of the group's sum, in the base that the artifact learned from."""
    learned = bundle.segmenter.metadata["learned"].get(decision, {})
    shares = learned.get("means", [1.0 / len(names)] * len(names))
    return dict(zip(names, shares, strict=True))


def _parts_of(
    known: Mapping[str, float], whole: str, usual: Mapping[str, float], default: float
) -> dict[str, float]:
    """The parts of a total that no feature gives, split by their usual shares."""
    unknown = {name: share for name, share in usual.items() if name not in known}
    left = known.get(whole, default) - sum(known.get(name, 0.0) for name in usual)
    # All shares are 0 in a base without purchases.
    of_all = sum(unknown.values()) or 1.0
    return {name: max(left, 0.0) * share / of_all for name, share in unknown.items()}


def _allowed(contract: Contract, name: str, known: Mapping[str, float]) -> str | float:
    """The value that the contract accepts nearest to what is known."""
    rule = contract.rules[name]
    if rule.kind == "category":
        return max(rule.categories, key=lambda category: known.get(f"{name}_{category}", 0.0))
    if rule.kind == "date":
        max_days = (contract.as_of - rule.earliest).days if rule.earliest else 0
        days = min(max(round(known.get(name, _TENURE_DAYS)), 0), max_days)
        return (contract.as_of - timedelta(days=days)).isoformat()
    if rule.kind == "key":
        return "typical"
    minimum, maximum = contract.range_of(name)
    default = contract.as_of.year - _AGE if rule.age else max(minimum, 0.0)
    value = min(max(known.get(name, default), minimum), maximum)
    # Whole monetary units are enough for a reader, but no whole shares.
    return round(value, 2) if rule.meaning in {"share", "number"} else round(value)


def _field(contract: Contract, name: str) -> Field:
    minimum, maximum = contract.range_of(name)
    rule = contract.rules[name]
    return Field(
        name=name,
        kind=rule.kind,
        description=rule.description,
        unit=rule.unit,
        accepted=contract.accepted(name),
        aliases=[alias for alias, column in contract.aliases.items() if column == name],
        needed=name in contract.needed,
        needed_at_sign_up=name in contract.cold_needed,
        needed_for_response=name in contract.response_needed,
        changeable=rule.changeable and name in contract.needed,
        from_purchases=rule.from_purchases,
        meaning=rule.meaning,
        whole=rule.whole,
        minimum=minimum if np.isfinite(minimum) else None,
        maximum=maximum if np.isfinite(maximum) else None,
        categories=list(rule.categories),
    )
