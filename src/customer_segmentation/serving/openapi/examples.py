"""The document's examples: live answers of the bundle."""

from __future__ import annotations

from datetime import date
from itertools import islice
from typing import Any, cast

import msgspec

from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.serving.answers import NOT_STORED, StoredFeatures
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.description import describe_bundle
from customer_segmentation.serving.explanation import Explainer
from customer_segmentation.serving.history import Snapshot
from customer_segmentation.serving.jobs.service import MEDIA_TYPES
from customer_segmentation.serving.moves.routes import MovesView, SegmentNow
from customer_segmentation.serving.moves.stored import Move
from customer_segmentation.serving.online import NotThere, absent_on
from customer_segmentation.serving.problems import Details
from customer_segmentation.serving.responses import CSV
from customer_segmentation.serving.validation import Problem, ReadCustomer
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID

Record = dict[str, Any]
# The largest number of an example: far above any input, and its square is finite.
_LARGEST = 1e12
_CELL = "-?[0-9]{1,12}(?:[.][0-9]{1,3})?"


def examples_of(bundle: Bundle) -> Record:
    """The examples that `api.yml` names, by their name there."""
    contract = bundle.contract
    # The typical customer of the first segment.
    known = {KEY: "C-1001", **describe_bundle(bundle, None).segments[0].customer}
    customers: dict[str, Any] = {"customer": known}
    if contract.cold_columns:
        customers["at_sign_up"] = _at_sign_up(bundle, known)
    answers = {name: _answered(bundle, sent) for name, sent in customers.items()}
    customers["list"], answers["list"] = list(customers.values()), list(answers.values())
    answers["customer_explained"] = _answered(bundle, known, Explainer())
    stored = {k: v for k, v in answers["customer"].items() if k not in NOT_STORED}
    online = answers["customer"] | {"features": _stored_features(bundle)}
    changes, changed = _changed(bundle, known)
    absent = NotThere("C-1002", absent_on(contract.as_of))
    file = _csv(list(known), list(known.values()))
    numbers = _read(bundle, known).numbers
    return {
        "customers": {name: {"value": value} for name, value in customers.items()},
        "answers": {name: {"value": value} for name, value in answers.items()},
        "stored": stored | {AS_OF: contract.as_of.isoformat()},
        "history": [_snapshot(stored, contract.as_of)],
        "moves": _moved(bundle, stored, contract.as_of),
        "online": online,
        "changes": changes,
        "changed": changed,
        "ids": [known[KEY], absent.customer_id],
        "online_list": [online, msgspec.to_builtins(absent)],
        "wrong": _wrong(bundle, known),
        # Without a schema: what is wrong with a file is told by its job.
        "files": {kind: {} for kind in MEDIA_TYPES}
        | {CSV: {"examples": {"file": {"value": file}}}},
        "file_bytes": len(file),
        "row": list(numbers.values()),
        "record": numbers,
        "matrix_file": _csv(list(numbers), [f"{number:.15g}" for number in numbers.values()]),
    }


def matrix_schemas(columns: tuple[str, ...]) -> Record:
    """The schemas of the artifact's numeric columns, by their name in `api.yml`."""
    number = {"type": ["number", "null"], "minimum": -_LARGEST, "maximum": _LARGEST}
    row = f"{_CELL}(?:,{_CELL}){{{len(columns) - 1}}}"
    return {
        "columns": list(columns),
        "width": len(columns),
        "number": number,
        "numbers": dict.fromkeys(columns, number),
        "matrix_pattern": f"^{','.join(columns)}\\n(?:{row}\\n)+$",
    }


def _at_sign_up(bundle: Bundle, known: Record) -> Record:
    """The same customer before the first purchase."""
    contract = bundle.contract
    first = {
        name: rule.categories[0] if rule.kind == "category" else contract.as_of.isoformat()
        for name, rule in contract.rules.items()
        if rule.kind in {"category", "date"}
    }
    return {name: known.get(name, first.get(name, 0)) for name in (KEY, *contract.cold_needed)}


def _snapshot(stored: Record, as_of: date) -> Record:
    """The stored answer as the history has it."""
    told = {name: stored[name] for name in Snapshot.__struct_fields__ if name in stored}
    recorded_at = f"{as_of}T05:01:02.123456Z"
    run = {RUN_ID: f"{as_of}T05.00.00.000Z", RECORDED_AT: recorded_at}
    return {AS_OF: as_of.isoformat(), **told, "margin": round(stored["margin"], 4), **run}


def _moved(bundle: Bundle, stored: Record, as_of: date) -> Record:
    """The same customer, who came from the segment that is next."""
    segments = bundle.segmenter.metadata["segments"]
    names = {each["key"]: each["name"] for each in segments}
    before, now = stored["runner_up"], stored["segment"]
    recorded_at = f"{as_of}T05:01:02.123456Z"
    moved = Move(
        customer_id=stored[KEY],
        from_segment=before,
        from_name=names.get(before, before),
        to_segment=now,
        to_name=names.get(now, now),
        cause="data",
        as_of=as_of,
        artifact_version=bundle.version,
        recorded_at=recorded_at,
    )
    counts = [SegmentNow(key, name, 1_000) for key, name in names.items()]
    return cast("Record", msgspec.to_builtins(MovesView(recorded_at, [moved], 0, counts)))


def _stored_features(bundle: Bundle, changed: list[str] | None = None) -> Record:
    """Of the artifact's day, a week ago."""
    version = bundle.contract.schema.feature_store.version
    told = StoredFeatures(
        bundle.contract.as_of, 7, is_stale=False, snapshot=3, version=version, changed=changed
    )
    return cast("Record", msgspec.to_builtins(told))


def _changed(bundle: Bundle, known: Record) -> tuple[Record, Record]:
    """Twice as much of the first purchase, and the answer to that."""
    contract = bundle.contract
    names = (*contract.purchases, *contract.needed)
    numbers = (name for name in names if contract.rules[name].kind == "number")
    changes = {
        name: min(2 * known[name], contract.range_of(name)[1]) for name in islice(numbers, 1)
    }
    answer = _answered(bundle, known | changes)
    return changes, answer | {"features": _stored_features(bundle, list(changes))}


def _csv(*rows: list[Any]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _read(bundle: Bundle, record: Record) -> ReadCustomer:
    # The record is made from the contract itself, so that nothing is wrong with it.
    return cast("ReadCustomer", bundle.contract.read(record, "$"))


def _answered(bundle: Bundle, record: Record, explainer: Explainer | None = None) -> Any:  # noqa: ANN401 - JSON
    customer = _read(bundle, record)
    (answer,) = bundle.answer([customer])
    if explainer:
        answer.explanation = explainer.explain(bundle, customer)
    return msgspec.to_builtins(answer)


def _wrong(bundle: Bundle, record: Record) -> Any:  # noqa: ANN401 - JSON
    contract = bundle.contract
    numbers = (name for name in contract.needed if contract.rules[name].kind == "number")
    name = next(numbers, contract.needed[0])
    # Too small for a number, and no category or day at all.
    too_small = contract.range_of(name)[0] - 1.0
    problems = cast("list[Problem]", contract.read(record | {name: too_small}, "$"))
    return msgspec.to_builtins(Details("Unprocessable Entity", 422, "a field is wrong", problems))
