"""What is asked of audiences, and what is answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from customer_segmentation.audiences.counting import Counted
from customer_segmentation.audiences.definition import Choices, Definition
from customer_segmentation.audiences.fields import Field
from customer_segmentation.audiences.rule import LONGEST
from customer_segmentation.audiences.store import Version
from customer_segmentation.schema.parts import KEY
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.validation import Problem

_Asked = TypeVar("_Asked", bound="AudienceDefinition")


class AudienceDefinition(msgspec.Struct, forbid_unknown_fields=True):
    """Customers of these segments (without any: of all) who keep the rule and agreed to a purpose.

    `rule`: comparisons of fields with `= != < <= > >=`, `in (..., ...)` and `is missing`, joined by
    `and`, `or`, `not` and brackets; text in quotes, days as 2026-01-31. A comparison with a missing
    value is neither true nor false, and so is its `not`. `purpose`: one of the schema's, or empty.
    """

    segments: Annotated[list[str], Meta(max_length=100)] = []
    rule: Annotated[str, Meta(max_length=LONGEST)] = ""
    purpose: str = ""

    def checked(self) -> Definition:
        """As the room of audiences has it."""
        return Definition(tuple(dict.fromkeys(self.segments)), self.rule.strip(), self.purpose)


class AudienceQuestion(AudienceDefinition):
    """The same, with the day that consent is as of: today, in UTC, unless given."""

    day: date | None = None


class FieldValue(msgspec.Struct):
    """A value that a rule may give, and what people call it."""

    value: str
    label: str


class FieldView(msgspec.Struct):
    """What a rule may name; `kind`: number, text or day. With `values`, it may have no others."""

    name: str
    label: str
    group: str
    kind: str
    unit: str
    values: list[FieldValue]


class PurposeView(msgspec.Struct):
    """A purpose that customers agree to."""

    purpose: str
    label: str


class AudienceView(msgspec.Struct):
    """An audience as it is kept; `by`: the name of the key that said so, `at`: when, in UTC."""

    name: str
    version: int
    segments: tuple[str, ...]
    rule: str
    purpose: str
    by: str
    at: str
    is_deleted: bool


class AudienceHistory(AudienceView):
    """The same, with all its versions, the newest first."""

    versions: list[AudienceView]


class AudienceChoices(msgspec.Struct):
    """What an audience may be made of, and those that are kept.

    `consent_is_known`: whether the server knows of any; without it nobody is in an audience that
    has a purpose.
    """

    as_of: date
    day: date
    customers: int
    consent_is_known: bool
    fields: list[FieldView]
    segments: list[FieldValue]
    purposes: list[PurposeView]
    audiences: list[AudienceView]


class AudiencePart(msgspec.Struct):
    """What an audience takes of a segment's customers."""

    segment: str
    customers: int
    audience: int


class AudienceCount(msgspec.Struct):
    """How many are in an audience, and why others who match are not.

    `matching`: keep segments and rule. Of them, `without_consent` have not agreed to the purpose
    on `day`, `never` have a flag that bars them from every campaign, and the rest is `audience`.
    Beside them, a missing value leaves open whether `unknown` keep the rule.
    """

    audience: int
    matching: int
    unknown: int
    without_consent: int
    never: int
    customers: int
    day: date
    as_of: date
    segments: list[AudiencePart]


def describe_field(field: Field) -> FieldView:
    """A field for a menu."""
    kind = "text" if field.kind == "code" else field.kind
    values = [FieldValue(value, label) for value, label in field.values.items()]
    return FieldView(field.name, field.label, field.group, kind, field.unit, values)


def describe_version(version: Version) -> AudienceView:
    """A version of an audience."""
    return AudienceView(version.name, *_told(version))


def describe_history(versions: list[Version]) -> AudienceHistory:
    """An audience with all its versions, the newest first."""
    told = [describe_version(version) for version in versions]
    return AudienceHistory(versions[0].name, *_told(versions[0]), told)


def describe_count(
    rows: Iterable[Counted], choices: Choices, day: date, as_of: date
) -> AudienceCount:
    """The counts of all segments, and of each in the order of the model."""
    by_key = {row.segment: row for row in rows}
    others = [key for key in by_key if key not in choices.segments]
    parts = [by_key[key] for key in (*choices.segments, *others) if key in by_key]
    total = {
        name: sum(getattr(row, name) for row in parts)
        for name in ("audience", "matching", "unknown", "without_consent", "never", "customers")
    }
    segments = [AudiencePart(row.segment, row.customers, row.audience) for row in parts]
    return AudienceCount(**total, day=day, as_of=as_of, segments=segments)


def read_definition(body: bytes, kind: type[_Asked]) -> _Asked:
    """What a request asks for.

    Raises:
        RefusedError: It is no JSON object of this kind.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        told, _, path = str(error).partition(" - at `")
        raise wrong_part(path.rstrip("`") or "$", told) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(400, f"the body is not JSON: {error}") from error


def wrong_part(path: str, told: str) -> RefusedError:
    """The refusal of a part of a definition."""
    accepted = {
        "$.rule": 'a rule such as spend_total >= 500 and not product = "wines"',
        "$.purpose": "a purpose of the schema, or nothing",
    }
    known = accepted.get(path, "what GET /v1/audiences tells")
    return RefusedError(422, f"{path}: {told}", errors=[Problem(path, told, known)])


def refuse_named_customers(names: Iterable[str]) -> None:
    """Refuse to keep a rule that names customers: an erasure would not find them there.

    Raises:
        RefusedError: It does.
    """
    if KEY in names:
        raise wrong_part("$.rule", f"a rule that names a {KEY} can be counted, and is not kept")


def _told(version: Version) -> tuple[int, tuple[str, ...], str, str, str, str, bool]:
    said = version.definition
    return (
        version.number,
        said.segments,
        said.rule,
        said.purpose,
        version.by,
        version.at,
        version.is_deleted,
    )
