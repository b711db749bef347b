"""The numbers that an artifact learned for its decisions: which there are, and of what length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import Parameter, signature
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from customer_segmentation.schema.parts import Feature, Numbers

# Far above any amount, and far below where a sum of squares would stop being finite.
_MAX = 1e15
Number = Annotated[float, Field(ge=-_MAX, le=_MAX, allow_inf_nan=False)]

_NUMBER: TypeAdapter[float] = TypeAdapter(Number)


def _list_of(numbers: Numbers) -> TypeAdapter[Any]:
    each = Annotated[Number, Field(gt=numbers.above)]
    length = Field(min_length=numbers.count, max_length=numbers.max_count or numbers.count)
    return TypeAdapter(Annotated[list[each], length])


def check_learned(
    learned: Mapping[str, Mapping[str, Any]],
    decisions: Iterable[str],
    defined: Mapping[str, Feature],
) -> None:
    """Refuse learned numbers other than those that the decisions take.

    Args:
        learned: By decision, as the metadata state them.
        decisions: Those that the artifact takes, and those that they use.
        defined: All that the schema allows, by name.

    Raises:
        ValueError: A number is missing, unknown, or of the wrong type or length.
    """
    keywords = {name: _keywords(decision) for name, decision in defined.items()}
    lacking = {name for name in decisions if keywords[name]} - learned.keys()
    if lacking or any(keywords.get(name) != {*numbers} for name, numbers in learned.items()):
        message = "learned: it does not hold the numbers that the decisions take, and no others"
        raise ValueError(message)
    for decision, numbers in learned.items():
        for name, value in numbers.items():
            numbers_of = defined[decision].lists.get(name)
            kind = _list_of(numbers_of) if numbers_of else _NUMBER
            try:
                kind.validate_python(value, strict=True)
            except ValidationError as error:
                message = f"learned.{decision}.{name}: {error.errors()[0]['msg']}"
                raise ValueError(message) from None


def _keywords(decision: Feature) -> set[str]:
    parameters = signature(decision.function).parameters.values()
    return {one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY}
