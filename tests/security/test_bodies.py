"""Bodies below the limit of bytes that are made to take long, beside one who waits."""

from __future__ import annotations

import json
import threading
from time import sleep

import httpx
import pytest

from tests.security.test_heads import memory, worked
from tests.serving.example import a_customer
from tests.serving.process import ServerProcess

SEGMENTS, PARTIAL, INVOCATIONS = "/v1/segments", "/v1/segments?partial=true", "/invocations"
EMPTY = ",".join(["{}"] * 330_000)
BODIES = {
    "60,000 unknown fields": (SEGMENTS, json.dumps({f"f{i}": 1 for i in range(60_000)})),
    "330,000 empty records": (SEGMENTS, f"[{EMPTY}]"),
    "330,000 empty records, partial": (PARTIAL, f"[{EMPTY}]"),
    "490,000 numbers": (PARTIAL, f"[{','.join(['1'] * 490_000)}]"),
    "1,000 records of 50 unknown fields": (
        PARTIAL,
        json.dumps([{f"income{i:02}": 1 for i in range(50)}] * 1_000),
    ),
    "a name of 900,000 signs": (SEGMENTS, json.dumps({"x" * 900_000: 1})),
    "a number of 900,000 digits": (SEGMENTS, '{"income":' + "9" * 900_000 + "}"),
    "900,000 brackets": (SEGMENTS, "[" * 900_000),
    "330,000 empty rows": (INVOCATIONS, f'{{"dataframe_records":[{EMPTY}]}}'),
    "60,000 unknown columns": (
        INVOCATIONS,
        json.dumps({"inputs": {f"f{i}": [1] for i in range(60_000)}}),
    ),
    "160,000 columns": (
        INVOCATIONS,
        json.dumps({"dataframe_split": {"columns": ["f"] * 160_000, "data": []}}),
    ),
    "a CSV of a million columns": (INVOCATIONS, "," * 999_000),
}


@pytest.mark.parametrize("name", BODIES)
def test_it_holds_up_nobody_and_is_refused_in_few_words(server: ServerProcess, name: str) -> None:
    path, body = BODIES[name]
    assert len(body) < 1_000_000
    pid, longest, is_over = server.process.pid, [0.0], threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=60.0) as client:
            while not is_over.is_set():
                before = worked(pid)
                assert client.post(SEGMENTS, json=a_customer()).status_code == 200
                longest[0] = max(longest[0], worked(pid) - before)
                sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    sleep(0.1)
    before, work = memory(server), worked(pid)
    kind = "application/json" if body[0] in "[{" else "text/csv"
    headers = {"content-type": kind}
    answer = httpx.post(server.url + path, content=body, headers=headers, timeout=60.0)
    taken = worked(pid) - work
    is_over.set()
    asking.join()
    assert answer.status_code in {200, 400, 413, 422}
    assert len(answer.content) < 200_000
    # Seconds of the server's work, of which these once took 3 to 200.
    assert taken < 2.0
    assert longest[0] < 1.0
    assert memory(server) - before < 100.0


def test_of_many_errors_some_are_told(server: ServerProcess) -> None:
    wrong = [{f"f{i}": 1 for i in range(20)}] * 20
    refused = httpx.post(server.url + SEGMENTS, json=wrong).json()
    assert len(refused["errors"]) == 100
    assert refused["detail"].endswith("fields are wrong; the first 100 are listed")
    answers = httpx.post(server.url + PARTIAL, json=[*wrong, a_customer()]).json()
    # Each wrong record says one thing at least, and the right one is answered.
    assert all(answer["errors"] for answer in answers[:20])
    assert sum(len(answer["errors"]) for answer in answers[:20]) < 150
    assert answers[20]["segment"]
