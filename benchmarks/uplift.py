"""Policies on the public test of e-mails against the best constant one, and how noise comes out.

The file is hillstrom.csv (K. Hillstrom, 2008), read by its schema as in a run. A published analysis
found no targeting that beat the men's e-mail to everybody, which brings 0.770 of spend and 7.7
points of visits a customer over no e-mail. Noise: customers in three arms that do nothing; a policy
or a curve should be told for at most 5 % of such tests.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import yaml
from report import arguments, machine, table, write_json

from customer_segmentation.campaigns.effects import TreeSize
from customer_segmentation.campaigns.policies import Trial, value_policies
from customer_segmentation.campaigns.qini import qini
from customer_segmentation.campaigns.tested import TestedCustomers, draw_tested
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.pipelines.uplift.nodes import try_policies
from customer_segmentation.pipelines.uplift.parameters import UpliftParameters
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.dataset import SourceDataset

CONFIGURATION = Path(__file__).parents[1] / "conf"
NOISE_ROWS, NOISE_SPLITS = 2_000, 3
NOISE_TREES = TreeSize(rounds=10, leaves=4, min_leaf=20, seed=1)


def block(name: str) -> dict[str, Any]:
    """The shipped parameters of a pipeline."""
    file = CONFIGURATION / "base" / f"parameters_{name}.yml"
    found: dict[str, Any] = yaml.safe_load(file.read_text())[name]
    return found


def read(file: str, schema: Schema, uplift: UpliftParameters) -> TestedCustomers:
    """The customers of the test, through ingestion and preprocessing."""
    bronze = ingest_source(SourceDataset(filepath=file).load(), schema)
    reading = nodes.settle_reading(bronze, schema)
    checked = nodes.check_rows(bronze, reading, schema)
    left_out = nodes.quarantine_rows(checked, reading, schema)
    counts = nodes.account_for_rows(bronze, checked, left_out, reading, schema)
    allowed = PreprocessingParameters(**block("preprocessing"))
    silver = nodes.keep_customers(checked, counts, schema, allowed)[0]
    return draw_tested(silver, schema, uplift.sample_rows, uplift.seed)


def interval(estimate: dict[str, float] | None) -> str:
    """An estimate and its interval."""
    return "{value:+.4f} ({low:+.4f} to {high:+.4f})".format(**estimate) if estimate else ""


def of_noise(seed: int) -> bool:
    """Whether anything is told of a test in which arms do nothing."""
    random = np.random.default_rng(seed)
    inputs = random.standard_normal((NOISE_ROWS, 4))
    outcomes = 0.5 * inputs[:, 0] + random.exponential(1.0, NOISE_ROWS)
    trial = Trial(inputs, random.integers(0, 3, NOISE_ROWS), ("none", "first", "second"))
    found = value_policies(trial, outcomes, cost=0.0, splits=NOISE_SPLITS, size=NOISE_TREES)
    told = any(policy.is_better for policy in found.policies)
    for arm in (1, 2):
        both = (trial.arms == 0) | (trial.arms == arm)
        curve = qini(
            *(found.effects[both, arm], trial.arms[both] == arm, outcomes[both]),
            permutations=200,
            level=1.0 - 0.05 / 2,
            seed=1,
        )
        told |= curve.is_shown
    return told


def main() -> None:
    """Print the tables."""
    parser = arguments(__doc__)
    parser.add_argument("file", help="hillstrom.csv")
    parser.add_argument("--splits", type=int, default=block("uplift")["splits"])
    parser.add_argument("--noise", type=int, default=100, help="tests without any effect")
    options = parser.parse_args()
    schema = read_schema(CONFIGURATION / "schemas" / "hillstrom.yml")
    uplift = UpliftParameters.model_validate(block("uplift") | {"splits": options.splits})
    print(machine())
    began = perf_counter()
    summary, _ = try_policies(read(options.file, schema, uplift), schema, uplift)
    rows = [
        {
            "outcome": name,
            "policy": policy["name"],
            "over none": interval(policy["over_control"]),
            "over the best constant": interval(policy["over_constant"]),
            "better": "yes" if policy["is_better"] else "",
        }
        for name, outcome in summary["outcomes"].items()
        for policy in (*outcome["constants"], *outcome["policies"])
    ]
    table(rows)
    print("\n".join(summary["lines"]))
    print(f"{options.splits} splits of {summary['customers']:,}: {perf_counter() - began:.0f} s")
    told = sum(map(of_noise, range(options.noise)))
    print(f"noise: something is told of {told} of {options.noise} tests")
    write_json(options.json, {"uplift": rows, "noise": {"told": told, "tests": options.noise}})


if __name__ == "__main__":
    main()
