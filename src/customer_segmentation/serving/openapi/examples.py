"""Examples that are true: what the bundle itself answers."""

from __future__ import annotations

from typing import Any

import msgspec

from customer_segmentation.customers.contract import AS_OF, KEY
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.contract import ReadCustomer
from customer_segmentation.serving.description import describe_bundle
from customer_segmentation.serving.explanation import Explainer
from customer_segmentation.serving.problems import Details

Record = dict[str, Any]
_ID = "C-1001"


def example_customer(bundle: Bundle) -> Record:
    """The typical customer of the first segment."""
    typical = describe_bundle(bundle, None).segments[0].customer
    return {KEY: _ID, **typical}


def example_sign_up(bundle: Bundle) -> Record:
    """The same at sign-up, before anything was bought; empty without a cold-start model."""
    contract = bundle.contract
    known = example_customer(bundle)
    first = {
        name: rule["categories"][0] if rule["kind"] == "category" else contract.as_of.isoformat()
        for name, rule in contract.rules.items()
        if rule["kind"] in {"category", "date"}
    }
    return {name: known.get(name, first.get(name, 0)) for name in (KEY, *contract.cold_needed)}


def customer_examples(bundle: Bundle) -> dict[str, Record]:
    """Requests and their answers for `/v1/segments`, a stored answer, and the error of a wrong one.

    Returns:
        `customers` and `answers`: name -> example; `stored`: the same; `wrong`: 422's body.
    """
    customers: dict[str, Any] = {"customer": example_customer(bundle)}
    if bundle.contract.cold_columns:
        customers["at_sign_up"] = example_sign_up(bundle)
    customers["list"] = list(customers.values())
    answers = {name: _answered(bundle, record) for name, record in customers.items()}
    answers["customer_explained"] = _explained(bundle, customers["customer"])
    left_out = {"model", "probabilities", "explanation"}
    stored = {k: v for k, v in answers["customer"].items() if k not in left_out}
    stored[AS_OF] = bundle.contract.as_of.isoformat()
    return {
        "customers": customers,
        "answers": answers,
        "stored": {"customer": stored},
        "wrong": _wrong(bundle, customers["customer"]),
    }


def example_row(bundle: Bundle) -> list[float]:
    """The example customer as the artifact's numeric columns."""
    return list(_read(bundle, example_customer(bundle)).numbers.values())


def _read(bundle: Bundle, record: Record) -> ReadCustomer:
    found = bundle.contract.read(record, "$")
    if isinstance(found, list):
        # Made of the contract itself, so that only a mistake of ours comes here.
        raise TypeError(found)
    return found


def _answered(bundle: Bundle, sent: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(sent, list):
        return [_answered(bundle, record) for record in sent]
    return msgspec.to_builtins(bundle.answer([_read(bundle, sent)])[0])


def _explained(bundle: Bundle, record: Record) -> Any:  # noqa: ANN401 - JSON
    customer = _read(bundle, record)
    (answer,) = bundle.answer([customer])
    answer.explanation = Explainer().explain(bundle, customer)
    return msgspec.to_builtins(answer)


def _wrong(bundle: Bundle, record: Record) -> Any:  # noqa: ANN401 - JSON
    name = next(n for n in bundle.contract.needed if bundle.contract.rules[n]["kind"] == "number")
    problems = bundle.contract.read(record | {name: -1}, "$")
    if not isinstance(problems, list):
        raise TypeError(problems)
    return msgspec.to_builtins(Details("Unprocessable Entity", 422, "a field is wrong", problems))
