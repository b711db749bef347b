"""What must hold of an outcome before it lands: nobody would be there to ask its sender later."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from customer_segmentation.feedback.cells import moment, revision
from customer_segmentation.schema.cells import folded
from customer_segmentation.schema.limits import LACKING
from customer_segmentation.schema.numbers import NUMBER
from customer_segmentation.schema.schema import MISSING
from customer_segmentation.serving.ingestion.objects import Objects
from customer_segmentation.serving.problems import wrong_fields
from customer_segmentation.serving.validation import LONGEST_KEY, Problem
from customer_segmentation.sources.json_records import decode_record
from customer_segmentation.tables.outcomes import HAPPENED_AT, OUTCOME_ID, REVISION

_CAMPAIGN, _ANSWERED, _AMOUNT = "campaign", "answered", "amount"
_NAMES = (OUTCOME_ID, _CAMPAIGN, _ANSWERED, _AMOUNT, HAPPENED_AT, REVISION)
_FLAGS = ("0", "1")


def require_outcomes(objects: Objects) -> None:
    """Refuse objects that could not be counted, each wrong field with what would be accepted.

    Raises:
        RefusedError: There is one.
    """
    problems = [
        Problem(f"$[{place}].{name}", problem, accepted)
        for place, line in enumerate(objects.lines)
        for name, problem, accepted in _wrong(_cells(line))
    ]
    if problems:
        raise wrong_fields(problems)


def _cells(line: bytes) -> dict[str, list[str]]:
    """Column -> the cells of the names that mean it."""
    found: dict[str, list[str]] = {}
    for header, cell in decode_record(line.decode()).items():
        if (name := folded(header)) in _NAMES:
            text = cell.strip()
            # As whoever counts them reads it: None is nobody's name.
            found.setdefault(name, []).append("" if text in MISSING else text)
    return found


def _wrong(cells: Mapping[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """Name, problem and what would be accepted."""
    for name, several in cells.items():
        if len(several) > 1:
            yield name, "named twice", "one of them"
    told = {name: cells.get(name, [""])[0] for name in _NAMES}
    for name in (OUTCOME_ID, _CAMPAIGN):
        if not 0 < len(told[name]) <= LONGEST_KEY:
            text = f"text of 1 to {LONGEST_KEY} characters"
            yield name, "too long" if told[name] else LACKING, text
    if not told[_ANSWERED] and not told[_AMOUNT]:
        yield _ANSWERED, LACKING, "0 or 1, or an amount"
    if told[_ANSWERED] and told[_ANSWERED] not in _FLAGS:
        yield _ANSWERED, "neither 0 nor 1", "0 or 1"
    if told[_AMOUNT] and not _is_number(told[_AMOUNT]):
        yield _AMOUNT, "not a number", "a number"
    if moment(told[HAPPENED_AT]) is None:
        accepted = "a day or a moment in ISO format, such as 2026-01-31T09:30:00Z"
        yield HAPPENED_AT, "not a moment" if told[HAPPENED_AT] else LACKING, accepted
    if revision(told[REVISION]) is None:
        yield REVISION, "not a revision", "a whole number from 0 to 999999999"


def _is_number(text: str) -> bool:
    return re.search(NUMBER, text) is not None and math.isfinite(float(text))
