"""An audience as it is defined: segments, a rule, and the purpose that its customers agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from customer_segmentation.audiences.fields import Field, fields_of
from customer_segmentation.audiences.rule import Part, parse_rule
from customer_segmentation.audiences.tokens import RuleError
from customer_segmentation.schema.schema import Schema


@dataclass(frozen=True)
class Definition:
    """What a person chose.

    Attributes:
        segments: Keys, of which a customer is in one; empty for all customers.
        rule: Its text; empty for everybody.
        purpose: Of the schema's `campaigns.consent`; empty where nobody is to be contacted.
    """

    segments: tuple[str, ...] = ()
    rule: str = ""
    purpose: str = ""


@dataclass(frozen=True)
class Audience:
    """A definition that was checked.

    Attributes:
        definition: As given.
        rule: As a tree; None for everybody.
        never: Flags of `gold_features` of whom no campaign contacts, where there is a purpose.
    """

    definition: Definition
    rule: Part | None
    never: tuple[str, ...]


class DefinitionError(ValueError):
    """A part of a definition is wrong: `path` says which, as in JSON."""

    def __init__(self, path: str, told: str) -> None:
        super().__init__(told)
        self.path = path


@dataclass(frozen=True)
class Choices:
    """What a definition may say.

    Attributes:
        fields: By name.
        segments: Key -> name.
        purposes: Key -> label.
        never: Flags of whom no campaign contacts.
    """

    fields: Mapping[str, Field]
    segments: Mapping[str, str]
    purposes: Mapping[str, str]
    never: tuple[str, ...]

    @classmethod
    def of(cls, schema: Schema, segments: Mapping[str, str]) -> Choices:
        """All that a schema's customers could be asked for."""
        campaigns = schema.campaigns
        purposes = {
            key: one.label or schema.label_of(key) for key, one in campaigns.consent.items()
        }
        return cls(fields_of(schema, segments), segments, purposes, tuple(campaigns.never))

    def check(self, definition: Definition) -> Audience:
        """A definition as it can be counted.

        Raises:
            DefinitionError: A part of it is wrong; says what, where and what is nearest.
        """
        for place, key in enumerate(definition.segments):
            if key not in self.segments:
                raise DefinitionError(
                    f"$.segments[{place}]", _unknown("segment", key, self.segments)
                )
        if definition.purpose and definition.purpose not in self.purposes:
            told = _unknown("purpose", definition.purpose, self.purposes)
            raise DefinitionError("$.purpose", told)
        try:
            rule = parse_rule(definition.rule, self.fields)
        except RuleError as error:
            raise DefinitionError("$.rule", str(error)) from error
        return Audience(definition, rule, self.never if definition.purpose else ())


def _unknown(what: str, given: str, known: Mapping[str, str]) -> str:
    near = get_close_matches(given[:60], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known) or 'none'}"
    return f"there is no {what} {given[:60]!a}: {hint}"
