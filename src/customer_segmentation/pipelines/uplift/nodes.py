"""Try targeting by uplift on a randomised test."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from narwhals.typing import IntoFrame

from customer_segmentation.campaigns import tested
from customer_segmentation.campaigns.effects import TreeSize
from customer_segmentation.campaigns.intervals import Numbers
from customer_segmentation.campaigns.policies import Policy, Valued, value_policies
from customer_segmentation.campaigns.qini import qini
from customer_segmentation.campaigns.tested import TestedCustomers
from customer_segmentation.errors import UserError
from customer_segmentation.pages import render
from customer_segmentation.pipelines.uplift import words
from customer_segmentation.pipelines.uplift.parameters import UpliftParameters
from customer_segmentation.schema.schema import Schema

_LEVEL = 0.95


def draw_tested(
    silver_customers: IntoFrame, customers: Schema, uplift: UpliftParameters
) -> TestedCustomers:
    """The customers of the test: what was known before, their arm, and what came of it."""
    if unknown := sorted({*uplift.costs} - {*(e.outcomes if (e := customers.experiment) else ())}):
        raise UserError(
            f"wrong parameters: `uplift.costs`: {', '.join(unknown)} is no outcome of the schema's "
            "`experiment`"
        )
    return tested.draw_tested(silver_customers, customers, uplift.sample_rows, uplift.seed)


def try_policies(
    tested_customers: TestedCustomers, customers: Schema, uplift: UpliftParameters
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """What each policy is worth on customers that it has not seen, and figures for MLflow."""
    size = TreeSize(**uplift.trees.model_dump(), seed=uplift.seed)
    outcomes = {}
    for name, values in tested_customers.outcomes.items():
        cost = uplift.costs.get(name, 0.0)
        found = value_policies(
            tested_customers.tested,
            values,
            cost=cost,
            splits=uplift.splits,
            size=size,
            level=_LEVEL,
        )
        outcomes[name] = {
            "label": customers.label_of(name),
            "unit": customers.unit_of(name),
            "is_flag": customers.columns[name].is_flag,
            "cost": cost,
            "best": found.best,
            "constants": [_told(one) for one in found.constants],
            "policies": [_told(one) for one in found.policies],
            "curves": _curves(tested_customers, values, found, uplift),
        }
    summary = {
        "arms": dict(
            zip(tested_customers.tested.names, map(int, _sizes(tested_customers)), strict=True)
        ),
        "control": tested_customers.tested.names[0],
        "customers": len(tested_customers.tested.arms),
        "rows": tested_customers.rows,
        "incomplete": tested_customers.incomplete,
        "is_uneven": tested_customers.is_uneven,
        "splits": uplift.splits,
        "outcomes": outcomes,
    }
    return summary | {"lines": words.lines(summary)}, _metrics(outcomes)


def show_uplift(uplift_summary: dict[str, Any]) -> str:
    """The summary as one page of HTML that needs nothing else."""
    return render("uplift", "uplift.html.jinja", **words.page(uplift_summary))


def _sizes(customers: TestedCustomers) -> list[int]:
    arms = customers.tested.arms
    return [int((arms == arm).sum()) for arm in range(len(customers.tested.names))]


def _told(policy: Policy) -> dict[str, Any]:
    return asdict(policy)


def _curves(
    customers: TestedCustomers, outcomes: Numbers, found: Valued, uplift: UpliftParameters
) -> list[dict[str, Any]]:
    """The Qini curve of each arm against the control."""
    names, arms = customers.tested.names, customers.tested.arms
    curves = len(customers.outcomes) * (len(names) - 1)
    told = []
    for arm in range(1, len(names)):
        both = (arms == 0) | (arms == arm)
        curve = qini(
            found.effects[both, arm],
            arms[both] == arm,
            outcomes[both],
            permutations=uplift.permutations,
            # All curves together stay in their bands so often, if there is nothing to tell.
            level=1.0 - (1.0 - _LEVEL) / curves,
            seed=uplift.seed,
        )
        told.append({"arm": names[arm], **asdict(curve)})
    return told


def _metrics(outcomes: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    figures: dict[str, float] = {}
    for name, outcome in outcomes.items():
        for policy in (*outcome["constants"], *outcome["policies"]):
            key = f"{name}.{policy['name'].replace(' ', '_')}"
            figures[f"{key}.over_control"] = policy["over_control"]["value"]
            if policy["over_constant"]:
                figures[f"{key}.over_constant"] = policy["over_constant"]["value"]
                figures[f"{key}.over_constant_low"] = policy["over_constant"]["low"]
                figures[f"{key}.is_better"] = float(policy["is_better"])
        for curve in outcome["curves"]:
            figures[f"{name}.qini.{curve['arm']}.is_shown"] = float(curve["is_shown"])
    return {key: {"value": value, "step": 0} for key, value in figures.items()}
