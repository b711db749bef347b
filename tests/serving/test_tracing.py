"""Spans of requests: in the caller's trace, without personal values, and never in the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.stores import ONLINE_FILE, open_store
from customer_segmentation.mendable import explain
from customer_segmentation.serving.settings import Settings
from tests.services.otlp import Collector, collecting, hanging, told
from tests.serving.example import a_customer
from tests.serving.process import ServerProcess, serving
from tests.serving.stored_features import fill
from tests.serving.watched import until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-00"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
# Of what is not sent yet OpenTelemetry keeps 2,048 spans else.
FEW = {"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50"}
_OK, _ERROR = 0, 2


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as started:
        yield started


@pytest.fixture(scope="module")
def traced(
    collector: Collector, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("traced")
    (folder / "data/features").mkdir(parents=True)
    store = open_store("sqlite", "dev", str(folder / f"data/features/{ONLINE_FILE}"), seconds=5.0)
    store.prepare()
    fill(store, bundle, {"10476": a_customer()})
    with serving(bundle, folder, "--traces", collector.url, environment=SOON) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_yet(collector: Collector) -> None:
    with collector.arrived:
        collector.spans.clear()


def ask(server: ServerProcess, sent: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/segments", json=sent, headers=headers, timeout=60.0)


def test_a_request_is_a_span_in_its_callers_trace(
    traced: ServerProcess, collector: Collector
) -> None:
    answer = ask(traced, [a_customer()] * 3, traceparent=SAMPLED)
    (span,) = collector.wait_for(1)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert span.name == "POST /v1/segments"
    assert told(span) == {
        "http.request.method": "POST",
        "http.route": "/v1/segments",
        "http.response.status_code": 200,
        "segmentation.customers": 3,
        "segmentation.artifact": answer.headers["artifact-version"],
    }
    assert span.start_time_unix_nano < span.end_time_unix_nano


def test_without_a_callers_trace_or_with_a_wrong_one_a_new_trace_begins(
    traced: ServerProcess, collector: Collector
) -> None:
    ask(traced, a_customer())
    ask(traced, a_customer(), traceparent="00-nonsense-01")
    spans = collector.wait_for(2)
    assert not any(span.parent_span_id for span in spans)
    assert len({span.trace_id for span in spans}) == 2


def test_what_the_caller_does_not_sample_is_not_sent(
    traced: ServerProcess, collector: Collector
) -> None:
    assert ask(traced, a_customer(), traceparent=UNSAMPLED).status_code == 200
    ask(traced, [a_customer()] * 2)
    (span,) = collector.wait_for(1)
    assert told(span)["segmentation.customers"] == 2


def test_a_read_of_the_online_store_is_a_span_within_the_requests(
    traced: ServerProcess, collector: Collector
) -> None:
    answer = httpx.get(f"{traced.url}/v1/customers/10476/segment", timeout=60.0)
    assert answer.status_code == 200, answer.text
    read, request = collector.wait_for(2)
    assert read.name == "read the online store"
    assert (read.parent_span_id, read.trace_id) == (request.span_id, request.trace_id)
    assert request.name == "GET /v1/customers/segment"


def test_a_refusal_is_told_by_its_status_and_probes_are_no_spans(
    traced: ServerProcess, collector: Collector
) -> None:
    assert httpx.get(f"{traced.url}/healthz", timeout=60.0).status_code == 200
    assert ask(traced, {"income": "much"}).status_code == 422
    (span,) = collector.wait_for(1)
    assert told(span)["http.response.status_code"] == 422
    # Only a fault of the server's own is an error of its span.
    assert span.status.code == _OK


def test_no_id_no_value_and_no_address_is_in_what_is_sent(
    traced: ServerProcess, collector: Collector
) -> None:
    planted = {**a_customer(), "customer_id": "planted-7319", "income": 73_191_919}
    ask(traced, planted, **{"x-request-id": "planted-7319"})
    httpx.get(f"{traced.url}/v1/customers/planted-7319/segment?who=planted", timeout=60.0)
    httpx.get(f"{traced.url}/planted/7319", timeout=60.0)
    collector.wait_for(4)
    assert b"planted" not in collector.raw
    assert b"7319" not in collector.raw
    assert b"127.0.0.1" not in collector.raw


def test_a_fault_of_the_servers_own_is_an_error(tmp_path: Path, bundle: Path) -> None:
    with (
        collecting() as collector,
        serving(bundle, tmp_path, "--traces", collector.url, environment=SOON) as server,
    ):
        # There is a folder where the file of the online store should be.
        (tmp_path / "data/features" / ONLINE_FILE).mkdir(parents=True)
        status = httpx.get(f"{server.url}/v1/customers/1/segment", timeout=60.0).status_code
        assert status >= 500
        spans = collector.wait_for(2)
    assert spans[-1].status.code == _ERROR


def test_a_collector_that_hangs_changes_no_answer_and_the_server_ends(
    tmp_path: Path, bundle: Path
) -> None:
    with (
        hanging() as (url, _socket),
        serving(bundle, tmp_path, "--traces", url, environment=SOON | FEW) as server,
    ):
        with httpx.Client(base_url=server.url, timeout=60.0) as client:
            for _ in range(300):
                assert client.post("/v1/segments", json=a_customer()).status_code == 200
        assert server.stop(90.0) == 0
        assert len(re.findall("traces: ", server.stderr())) <= 1


def test_the_last_spans_are_sent_before_the_server_has_ended(tmp_path: Path, bundle: Path) -> None:
    never = {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}
    with (
        collecting() as collector,
        serving(bundle, tmp_path, "--traces", collector.url, environment=never) as server,
    ):
        ask(server, [a_customer()] * 3)
        assert server.stop() == 0
        (span,) = collector.wait_for(1)
    assert told(span)["segmentation.customers"] == 3
    assert "protocol appears unsupported" not in server.stderr()


def test_a_collector_that_is_gone_is_named_once(tmp_path: Path, bundle: Path) -> None:
    with hanging() as (url, _socket):
        pass
    at = url.replace("http://", "http://user:secret@")
    with serving(bundle, tmp_path, "--traces", at, environment=SOON) as server:
        for _ in range(5):
            assert ask(server, a_customer()).status_code == 200
        lost = "traces: http://127.0.0.1 does not take spans; they are dropped"
        until(lambda: lost in server.stderr() or None)
        assert server.stop() == 0
        said = server.stderr()
    assert said.count(lost) == 1
    assert "secret" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("address", ["collector:4318", "grpc://collector", "http://"])
def test_what_is_no_address_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(UserError, match="no collector's address: write it as http://HOST:4318"):
        Settings(traces=address)


def test_a_missing_package_is_named_with_its_extra() -> None:
    missing = ModuleNotFoundError("No module named 'opentelemetry.exporter'")
    assert "pip install '.[tracing]'" in str(explain(missing))
