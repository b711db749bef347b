"""A server without keys answers to this machine's own programs and page alone."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from customer_segmentation.serving.keys import add_key
from tests.security.raw import asked, request, status
from tests.serving.process import ServerProcess, serving

PATHS = ("/", "/healthz", "/v1/bundle", "/v1/customers/1", "/nothing")


@pytest.mark.parametrize(
    "host",
    ["other.example", "127.0.0.1.other.example", "localhost.other.example", "[::2]", "10.0.0.1",
     "localhost@other.example", "127.0.0.1:8000@other.example", "", "127.0.0.2"],
)  # fmt: skip
def test_a_foreign_name_is_answered_nothing(server: ServerProcess, host: str) -> None:
    """A page of `other.example` whose name is made to lead to 127.0.0.1."""
    for path in PATHS:
        answer = asked(server, request("GET", path, host=host))
        assert status(answer) == 421
        assert b"only to 127.0.0.1, localhost and [::1]" in answer


def test_no_name_is_a_foreign_name(server: ServerProcess) -> None:
    assert status(asked(server, b"GET / HTTP/1.0\r\n\r\n")) == 421


@pytest.mark.parametrize("host", ["other.example", "localhost@other.example", "localhost.x"])
def test_the_host_of_a_whole_url_counts(server: ServerProcess, host: str) -> None:
    assert status(asked(server, request("GET", f"http://{host}/v1/bundle"))) == 421
    own = request("GET", "http://localhost/v1/bundle", host=host)
    assert status(asked(server, own)) == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_its_own_names_are_answered(server: ServerProcess, host: str) -> None:
    assert status(asked(server, request("GET", "/healthz", host=host))) == 200


@pytest.mark.parametrize(
    "origin", ["https://other.example", "null", "http://localhost.other.example", "file://"]
)
def test_another_sites_page_is_answered_nothing(server: ServerProcess, origin: str) -> None:
    for method, path in (("GET", "/v1/bundle"), ("POST", "/v1/segments"), ("POST", "/v1/jobs")):
        answer = httpx.request(method, server.url + path, headers={"origin": origin})
        assert answer.status_code == 403
        assert "not other sites" in answer.json()["detail"]


def test_its_own_page_is_answered(server: ServerProcess) -> None:
    for origin in (server.url, "http://localhost:8000"):
        headers = {"origin": origin}
        assert httpx.get(f"{server.url}/v1/bundle", headers=headers).status_code == 200


def test_with_keys_any_name_may_lead_to_it(bundle: Path, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "shop", ("score",))
    with serving(bundle, tmp_path, "--keys", tmp_path / "keys.json", "--job-workers", "0") as own:
        answer = asked(own, request("GET", "/v1/bundle", key=key, host="api.shop.example"))
        assert status(answer) == 200
