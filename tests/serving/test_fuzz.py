"""Schemathesis over the API's own description: no answer that it does not tell, and none of 5xx.

`make fuzz` sends 10^5 requests, `.ci/run` 5,000, `make test` 200.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from customer_segmentation.feature_store.sqlite import SqliteStore
from customer_segmentation.serving.online import FILE
from tests.serving.example import a_customer
from tests.serving.planned import campaign, some_candidates, write_campaign
from tests.serving.process import ServerProcess, serving
from tests.serving.stored_features import fill
from tests.serving.test_audiences import tables, write_consents, write_gold

STORED = "10476"
REQUESTS = int(os.environ.get("SEGMENTATION_FUZZ_REQUESTS", "200"))
# A connection a request would take longer than the answer.
SESSION = requests.Session()
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def fuzzed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that works on its jobs, with stored customers, a campaign and places to land."""
    folder = tmp_path_factory.mktemp("fuzzed")
    store = SqliteStore(str(folder / FILE))
    fill(store, bundle, {STORED: a_customer()})
    store.close()
    planned = write_campaign(folder / "gold", some_candidates(300), campaign())
    write_gold(folder / "counted")
    write_consents(folder / "counted" / "consents.csv", [("c1", "e_mail", "given", "2014-01-01")])
    with serving(
        bundle,
        folder,
        *planned.options,
        *tables(folder / "counted"),
        "--ingest-events",
        folder / "events",
        "--ingest-records",
        folder / "records",
        "--ingest-outcomes",
        folder / "outcomes",
        "--max-jobs",
        "1000000",
        "--max-kept-jobs",
        "1000000",
    ) as server:
        yield server


def test_every_answer_is_one_that_the_description_tells(fuzzed: ServerProcess) -> None:
    schema = schemathesis.openapi.from_url(f"{fuzzed.url}/schema/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10
    statuses: Counter[int] = Counter()
    for operation in operations:
        ask(operation, fuzzed.url, 20, 0, statuses)
    # What takes a body is where most can go wrong.
    bodies = [operation for operation in operations if operation.body]
    examples = max(REQUESTS // (2 * len(bodies)), 20)
    for number in count(1):
        if sum(statuses.values()) >= REQUESTS:
            break
        for operation in bodies:
            ask(operation, fuzzed.url, examples, number, statuses)
    # Some are right and some are wrong, or nothing was tried.
    missing = {200, 202, 400, 404, 422} - statuses.keys()
    assert not missing, statuses
    assert fuzzed.process.poll() is None


def ask(
    operation: APIOperation, url: str, examples: int, number: int, statuses: Counter[int]
) -> None:
    """Send right and wrong requests to an operation; the number seeds them."""
    is_online = operation.path.endswith("/segment")
    for mode in GenerationMode:

        @seed(number)
        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            deadline=None,
            database=None,
            derandomize=False,
        )
        def send(case: Case) -> None:
            if is_online and len(case.path_parameters["customer_id"]) % 2:
                # Nobody guesses the id of somebody who is there.
                case.path_parameters["customer_id"] = STORED
            response = case.call(base_url=url, session=SESSION)
            statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        try:
            send()
        except Unsatisfiable:
            # Nothing can be wrong with a request that takes nothing, or any text.
            assert mode is GenerationMode.NEGATIVE
