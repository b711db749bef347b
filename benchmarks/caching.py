"""What the server keeps and what it computes anew: the time of each with and without a cache.

Stored answers come from a Parquet file of generated customers, explanations and single answers from
the example artifact; nothing else runs, so that the peer of a cache is the computing itself.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import polars as pl
from report import arguments, machine, table, write_json

from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.explanation import Explainer
from customer_segmentation.serving.stored import StoredAnswers
from tests.scoring.example import draw_customers
from tests.serving.example import a_customer, write_bundle

ROWS = 1_000_000
TRIED = 200


def microseconds(work: Callable[[Any], object], inputs: list[Any]) -> float:
    """The mean over the inputs."""
    started = perf_counter()
    for one in inputs:
        work(one)
    return (perf_counter() - started) / len(inputs) * 1e6


def stored(folder: Path) -> tuple[float, float]:
    """A look-up in the file, and one that is kept."""
    ids = [f"{number:07d}" for number in range(ROWS)]
    day = [date(2014, 6, 30)] * ROWS
    path = folder / "segments.parquet"
    rows = pl.DataFrame({"customer_id": ids, "as_of": day, "segment": "a", "segment_id": 1})
    rows.write_parquet(path, row_group_size=100_000)
    answers = StoredAnswers(str(path))
    asked = ids[:: ROWS // TRIED]
    answers.find("nobody")
    return microseconds(answers.find, asked), microseconds(answers.find, asked)


def main() -> None:
    """Time each twice: the first time it is computed, the second time it is kept."""
    options = arguments((__doc__ or "").splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = Champion(str(write_bundle(folder / "bundle"))).current
        found = [("stored answer, 10^6 customers", *stored(folder))]
        columns = list(bundle.contract.columns)
        records = draw_customers(TRIED, seed=5)[columns].to_dict("records")
        customers = [a_customer() | record for record in records]
        for customer in customers:
            customer.pop("as_of_year")
        read = [bundle.contract.read(customer, "$") for customer in customers]
        explainer = Explainer()
        explain = lambda customer: explainer.explain(bundle, customer)  # noqa: E731 - a line
        found.append(("explanation", microseconds(explain, read), microseconds(explain, read)))

        @lru_cache(maxsize=TRIED)
        def answer(body: bytes) -> bytes:
            reader, customers = bundle.reader.fast(body, is_list=False)  # type: ignore[misc]
            answers = bundle.answer_matrix(reader.ids(customers), reader.matrix(customers))
            return msgspec.json.encode(answers)

        bodies = [json.dumps(customer).encode() for customer in customers]
        found.append(("single answer", microseconds(answer, bodies), microseconds(answer, bodies)))
    rows = [
        {"what": name, "computed us": computed, "kept us": kept, "times": computed / kept}
        for name, computed, kept in found
    ]
    print(machine())
    table(rows)
    write_json(options.json, {"caches": rows})


if __name__ == "__main__":
    main()
