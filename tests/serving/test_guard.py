"""Keys, limits, time-outs, headers and the log, of real server processes."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import httpx
import pytest

from customer_segmentation.serving.app import make_app
from customer_segmentation.serving.keys import add_key
from customer_segmentation.serving.settings import Settings
from tests.serving.example import a_customer
from tests.serving.jobs.posting import done
from tests.serving.process import ServerProcess, serving

SEGMENTS = "/v1/segments"
# Every path without a parameter that answers GET.
READ = (
    *("/", "/docs", "/schema/openapi.json", "/healthz", "/readyz", "/ping"),
    *("/metrics", "/v1/audiences", "/v1/bundle", "/v1/campaign", "/v1/jobs", "/v1/moves"),
)


@pytest.fixture(scope="module")
def limited(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, dict[str, str]]]:
    """A server with keys and small limits, and its keys by role."""
    folder = tmp_path_factory.mktemp("limited")
    path = folder / "keys.json"
    secrets = {role: add_key(path, role, (role,)) for role in ("score", "read", "ingest", "admin")}
    options = ["--keys", path, "--max-body", "20000", "--body-seconds", "1"]
    limits = ["--requests-per-second", "20", "--job-workers", "0"]
    with serving(bundle, folder, *options, *limits) as server:
        yield server, secrets


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("POST", SEGMENTS, "score"),
        ("GET", "/v1/bundle", "score"),
        ("GET", "/v1/customers/1", "read"),
        ("GET", "/v1/history/1", "read"),
        ("GET", "/metrics", "admin"),
        ("GET", "/v1/jobs", "score"),
        ("POST", "/invocations", "score"),
        ("POST", "/v1/events", "ingest"),
        ("POST", "/v1/records", "ingest"),
        ("POST", "/v1/outcomes", "ingest"),
    ],
)
def test_a_route_asks_for_a_key_with_its_role(
    limited: tuple[ServerProcess, dict[str, str]], method: str, path: str, role: str
) -> None:
    server, secrets = limited
    url = server.url + path
    nobody = httpx.request(method, url)
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"] == "Bearer"
    wrong = ["score", "read"][role == "score"]
    lacking = httpx.request(method, url, headers=bearer(secrets[wrong]))
    assert lacking.status_code == 403
    assert f"the role `{role}`" in lacking.json()["detail"]
    for allowed in (role, "admin"):
        assert httpx.request(method, url, headers=bearer(secrets[allowed])).status_code not in {
            401,
            403,
            500,
        }


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic x", "Bearer cs_wrong", "Bearer é", "cs_wrong"]
)
def test_a_wrong_key_is_nobodys(limited: tuple[ServerProcess, dict[str, str]], header: str) -> None:
    server, _ = limited
    headers = {"authorization": header.encode("latin-1")}
    assert httpx.post(server.url + SEGMENTS, headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_who_watches_the_server_needs_no_key(
    limited: tuple[ServerProcess, dict[str, str]], path: str
) -> None:
    assert httpx.get(limited[0].url + path).status_code == 200


def test_too_many_requests_are_told_when_to_ask_again(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    busy, other = (bearer(add_key(path, name, ("score",))) for name in ("busy", "other"))
    # So few a second that any machine asks more.
    options = ["--keys", path, "--job-workers", "0", "--requests-per-second", "2"]
    with (
        serving(bundle, tmp_path, *options) as server,
        httpx.Client(base_url=server.url, timeout=60.0) as client,
    ):
        started = monotonic()
        found = [client.post(SEGMENTS, json=a_customer(), headers=busy) for _ in range(60)]
        taken = monotonic() - started
        # Another key has a bucket of its own.
        assert client.post(SEGMENTS, json=a_customer(), headers=other).status_code == 200
    statuses = [answer.status_code for answer in found]
    assert set(statuses) == {200, 429}
    # What two seconds allow at once, and what comes in while they are asked.
    assert 4 <= statuses.count(200) <= 5 + 2 * taken
    refused = next(answer for answer in found if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1


def test_a_body_that_says_it_is_too_large_is_not_read(
    limited: tuple[ServerProcess, dict[str, str]],
) -> None:
    server, secrets = limited
    refused = httpx.post(
        server.url + SEGMENTS, content=b" " * 20_001, headers=bearer(secrets["score"])
    )
    assert refused.status_code == 413
    assert "20000 bytes" in refused.json()["detail"]


def test_a_body_that_turns_out_too_large_is_refused(
    limited: tuple[ServerProcess, dict[str, str]],
) -> None:
    server, secrets = limited

    def chunks() -> Iterator[bytes]:
        yield from (b" " * 1_000 for _ in range(30))

    refused = httpx.post(server.url + SEGMENTS, content=chunks(), headers=bearer(secrets["score"]))
    assert refused.status_code == 413


def connected(server: ServerProcess) -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection((where.hostname, where.port), timeout=30.0)


def test_a_body_that_never_comes_is_not_waited_for(
    limited: tuple[ServerProcess, dict[str, str]],
) -> None:
    server, secrets = limited
    head = (
        f"POST {SEGMENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        f"Authorization: Bearer {secrets['score']}\r\n\r\n{{"
    )
    with closing(connected(server)) as client:
        client.sendall(head.encode())
        started = monotonic()
        assert client.recv(100).startswith(b"HTTP/1.1 408")
        assert 0.5 < monotonic() - started < 5.0


def test_a_head_that_never_ends_is_not_waited_for(
    limited: tuple[ServerProcess, dict[str, str]],
) -> None:
    with closing(connected(limited[0])) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        started = monotonic()
        assert client.recv(100) == b""
        assert 0.5 < monotonic() - started < 8.0


def test_a_kept_connection_is_as_impatient(limited: tuple[ServerProcess, dict[str, str]]) -> None:
    with closing(connected(limited[0])) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(10_000).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        started = monotonic()
        while client.recv(10_000):
            pass
        assert monotonic() - started < 8.0


def test_more_requests_than_can_wait_are_told_to_come_back(bundle: Path, tmp_path: Path) -> None:
    """Bodies that are still on their way hold the places; nothing but the lack of one refuses."""
    options = ["--max-waiting", "3", "--job-workers", "0", "--body-seconds", "20"]
    with serving(bundle, tmp_path, *options) as server:
        head = f"POST {SEGMENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n".encode()
        waiting = [connected(server) for _ in range(3)]
        for client in waiting:
            client.sendall(head)
        sleep(0.3)
        refused = httpx.post(server.url + SEGMENTS, json=a_customer())
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        # Whoever watches is answered all the same.
        assert httpx.get(server.url + "/healthz").status_code == 200
        for client in waiting:
            client.sendall(b"[]")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
            client.close()
        assert httpx.post(server.url + SEGMENTS, json=a_customer()).status_code == 200


def test_every_answer_carries_the_security_headers(client: httpx.Client) -> None:
    for answer in (client.get("/healthz"), client.get("/nothing"), client.post(SEGMENTS)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert answer.headers["artifact-version"]


def test_a_request_id_is_given_back_unless_it_could_do_harm(client: httpx.Client) -> None:
    named = client.get("/healthz", headers={"x-request-id": "order-17_a"})
    assert named.headers["x-request-id"] == "order-17_a"
    for harmful in ("a b", "x" * 65, "<script>", "a;b"):
        given = client.get("/healthz", headers={"x-request-id": harmful})
        assert given.headers["x-request-id"] != harmful
        assert len(given.headers["x-request-id"]) == 16


def test_a_line_break_in_a_header_makes_no_second_header(server: ServerProcess) -> None:
    with closing(connected(server)) as client:
        client.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a%0d%0aSet-Cookie: x=1\r\n"
            b"Connection: close\r\n\r\n"
        )
        answer = b""
        while part := client.recv(10_000):
            answer += part
    assert b"set-cookie" not in answer.lower()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/..%2f..%2fetc%2fpasswd",
        "/v1/customers/%00",
        "/v1/customers/' OR 1=1 --",
        "/v1/customers/a%0d%0ab",
        "/page/..%2f..%2fapp.py",
        "/page/%2e%2e/app.py",
        "//etc/passwd",
        "/v1/jobs/..%2fkeys.json",
    ],
)
def test_a_path_leads_nowhere_else(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {400, 404}
    assert b"import" not in answer.content
    assert b"root:" not in answer.content


@pytest.mark.parametrize("path", [*READ, "/v1/customers/nobody", "/v1/jobs/0/results"])
@pytest.mark.parametrize("role", ["", "score", "admin"])
def test_a_head_is_that_of_a_get(
    limited: tuple[ServerProcess, dict[str, str]], path: str, role: str
) -> None:
    server, secrets = limited
    headers = {"x-request-id": "same", **(bearer(secrets[role]) if role else {})}
    # A key's own limit refills.
    sleep(0.1)
    get = httpx.get(server.url + path, headers=headers)
    lines = [f"HEAD {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with closing(connected(server)) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(partial(client.recv, 1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    status, *fields = head.decode().split("\r\n")
    assert int(status.split()[1]) == get.status_code
    found = dict(field.lower().split(": ", 1) for field in fields)
    del found["connection"]
    told = {name: value.lower() for name, value in get.headers.items()}
    # Metrics differ from one request to the next, and so does the time.
    moving = {"date", "content-length"} if path == "/metrics" else {"date"}
    assert int(found["content-length"]) > 0
    assert found.keys() == told.keys()
    assert [name for name in told if told[name] != found[name] and name not in moving] == []


def test_the_list_of_paths_that_are_read_is_whole(bundle: Path) -> None:
    routes = make_app(Settings(bundle=str(bundle)))._routes
    found = {path.decode() for path, route in routes._fixed.items() if "GET" in route.methods}
    assert found == {*READ, *(f"{path}/" for path in READ if path != "/")}


def test_a_head_of_a_file_sends_none_of_it(client: httpx.Client) -> None:
    """It is sent in pieces, by a handler that knows nothing of HEAD."""
    row = a_customer()
    lines = [",".join([str(number), *map(str, row.values())]) for number in range(5_000)]
    job = done(client, "\n".join([",".join(["customer_id", *row]), *lines, ""]))
    path = f"/v1/jobs/{job['id']}/results"
    get, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(get.content) > 100_000
    assert client.get("/healthz").status_code == 200


def test_a_method_that_a_route_lacks_is_named(client: httpx.Client) -> None:
    refused = client.delete(SEGMENTS)
    assert refused.status_code == 405
    assert "POST" in refused.headers["allow"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert client.head(SEGMENTS).status_code == 405
    assert client.delete("/v1/jobs").headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_the_log_has_a_line_a_request_and_no_personal_field(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0") as server:
        customer = a_customer() | {"customer_id": "SECRET-1", "income": 987_654}
        sent = httpx.post(server.url + SEGMENTS, json=customer)
        httpx.get(server.url + "/v1/customers/SECRET-2")
        httpx.post(server.url + SEGMENTS, json=customer | {"education": "SECRET-3"})
    text = server.stderr()
    assert "SECRET" not in text
    assert "987654" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["request_id"] == sent.headers["x-request-id"]]
    assert (line["method"], line["route"], line["status"]) == ("POST", SEGMENTS, 200)
    assert [line["status"] for line in lines if line["route"].startswith("/v1")] == [200, 404, 422]


def test_metrics_count_answers_and_rejections(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0") as server:
        answer = httpx.post(server.url + SEGMENTS, json=[a_customer()] * 3).json()[0]
        httpx.post(server.url + SEGMENTS, json=a_customer() | {"income": -1, "nonsense": 1})
        text = httpx.get(server.url + "/metrics").text
    answers = f'segmentation_answers_total{{model="segmenter",segment="{answer["segment"]}"}} 3.0'
    assert answers in text
    assert 'segmentation_rejections_total{field="income",problem="negative"} 1.0' in text
    assert 'segmentation_rejections_total{field="other",problem="unknown field"} 1.0' in text
    assert f'segmentation_artifact{{version="{answer["artifact_version"]}"}} 1.0' in text
    # The one that asks.
    assert "segmentation_requests_in_flight 1.0" in text
    assert 'segmentation_request_seconds_bucket{le="0.005",route="/v1/segments"' in text


def test_with_several_workers_metrics_are_of_all_of_them(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, "--workers", "2", "--job-workers", "0") as server:
        for _ in range(40):
            # A connection of its own each time, so that both workers take some.
            httpx.post(server.url + SEGMENTS, json=a_customer())
        text = httpx.get(server.url + "/metrics").text
    counted = [
        float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("segmentation_answers_total")
    ]
    assert sum(counted) == 40.0


def test_on_sigterm_what_was_accepted_is_finished(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0", "--body-seconds", "20") as server:
        with closing(connected(server)) as client:
            client.sendall(
                f"POST {SEGMENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n".encode()
            )
            sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            later = threading.Timer(1.0, client.sendall, [b"[]"])
            later.start()
            assert client.recv(100).startswith(b"HTTP/1.1 200")
            later.join()
        assert server.process.wait(timeout=20) == 0
        with pytest.raises(OSError, match="refused"):
            connected(server)
