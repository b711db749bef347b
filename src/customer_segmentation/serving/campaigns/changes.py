"""The body of `POST /v1/campaign/plan`: what differs from the campaign as it was planned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.schema.limits import NO_NUMBER
from customer_segmentation.serving.problems import RefusedError, wrong_fields
from customer_segmentation.serving.validation import MAX_PROBLEMS, Problem, shown

Amount = Annotated[float, Meta(ge=0.0, le=1e12)]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Factor = Annotated[float, Meta(gt=0.0, le=100.0)]
HoldOut = Annotated[float, Meta(ge=0.0, le=0.5)]

_AMOUNT, _COUNT = "a number from 0 to 10^12", "a whole number from 0 to 10^12"
_NONE = ", or null for no limit"


class OfferChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What differs of an offer: its cost and value, and how many contacts it has at most."""

    cost: Amount | UnsetType = UNSET
    value: Amount | UnsetType = UNSET
    answer_factor: Factor | UnsetType = UNSET
    most: Count | UnsetType | None = UNSET


class SegmentShares(msgspec.Struct, forbid_unknown_fields=True):
    """The least and the largest share of a segment's customers, of 1, who are contacted."""

    least: Share = 0.0
    most: Share = 1.0


class CampaignChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What differs from the campaign as it was planned; `shares` replaces all of them.

    `offers` names offers of the campaign, and `shares` segments.
    """

    budget: Amount | UnsetType | None = UNSET
    most_contacts: Count | UnsetType | None = UNSET
    hold_out: HoldOut | UnsetType = UNSET
    shares: dict[str, SegmentShares] | UnsetType = UNSET
    offers: dict[str, OfferChanges] | UnsetType = UNSET


_ACCEPTED: dict[type, dict[str, str]] = {
    CampaignChanges: {
        "budget": _AMOUNT + _NONE,
        "most_contacts": _COUNT + _NONE,
        "hold_out": "a share from 0 to 0.5",
    },
    OfferChanges: {
        "cost": _AMOUNT,
        "value": _AMOUNT,
        "answer_factor": "a number above 0, up to 100",
        "most": _COUNT + _NONE,
    },
    SegmentShares: dict.fromkeys(("least", "most"), "a share from 0 to 1"),
}


def changed(
    planned: CampaignParameters, segments: Collection[str], body: bytes
) -> CampaignParameters:
    """The campaign with the changes of a request.

    Args:
        planned: As it was planned.
        segments: The keys that there are.
        body: JSON; empty for no change.

    Raises:
        RefusedError: It is no JSON object, or a field is wrong; every wrong field is named.
    """
    try:
        given = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(400, f"the body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise RefusedError(400, "the body is no JSON object: send {} for the campaign as planned")
    reading = _Reading()
    top = reading.fields(given, CampaignChanges, "$")
    if "offers" in given:
        offers = reading.each(given["offers"], "$.offers", planned.offers, OfferChanges)
        told = {name: offer.model_dump() for name, offer in planned.offers.items()}
        top["offers"] = told | {name: told[name] | own for name, own in offers.items()}
    if "shares" in given:
        top["shares"] = reading.each(given["shares"], "$.shares", segments, SegmentShares)
        for key, share in top["shares"].items():
            if share.get("least", 0.0) > share.get("most", 1.0):
                reading.refuse(f"$.shares.{key}.least", "above most", "at most what most is")
    if reading.problems:
        raise wrong_fields(reading.problems)
    return CampaignParameters.model_validate(planned.model_dump() | top)


class _Reading:
    """Reads a body, and keeps every problem of it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, path: str, problem: str, accepted: str) -> None:
        """Keep a problem."""
        self.problems.append(Problem(path, problem, accepted))

    def refuse_name(self, path: str, name: str, known: Collection[str]) -> None:
        """Keep that a name is unknown, with what is nearest to it, or all that there are."""
        # To compare the names of a large body would take long, and no more are told.
        is_told = len(self.problems) < MAX_PROBLEMS
        near = get_close_matches(shown(name), known, n=1) if is_told else []
        self.refuse(path, "unknown", near[0] if near else f"one of {', '.join(sorted(known))}")

    def fields(self, given: Any, kind: type, path: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """The values of an object's fields that are right, without those that hold objects."""
        if not isinstance(given, Mapping):
            self.refuse(path, "no object", "an object")
            return {}
        known = {field.name: field.type for field in msgspec.structs.fields(kind)}
        accepted, found = _ACCEPTED[kind], {}
        for name, value in given.items():
            here = f"{path}.{shown(name)}"
            if name not in known:
                self.refuse_name(here, name, known)
            elif name in accepted:
                # In JSON, 2.0 and 2 are the same number.
                is_whole = isinstance(value, float) and value.is_integer()
                try:
                    found[name] = msgspec.convert(int(value) if is_whole else value, known[name])
                except (msgspec.ValidationError, OverflowError):
                    is_number = isinstance(value, int | float) and not isinstance(value, bool)
                    problem = "not accepted" if is_number else NO_NUMBER
                    self.refuse(here, problem, accepted[name])
        return found

    def each(
        self,
        given: Any,  # noqa: ANN401 - JSON
        path: str,
        names: Collection[str],
        kind: type,
    ) -> dict[str, dict[str, Any]]:
        """The same of each named object."""
        if not isinstance(given, Mapping):
            self.refuse(path, "no object", "an object")
            return {}
        found = {}
        for name, own in given.items():
            here = f"{path}.{shown(name)}"
            if name in names:
                found[name] = self.fields(own, kind, here)
            else:
                self.refuse_name(here, name, names)
        return found
