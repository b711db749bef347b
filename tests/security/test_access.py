"""Each route, method and spelling of a path, asked with every kind of key and with none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from customer_segmentation.serving.access import UNKNOWN, Routes
from customer_segmentation.serving.app import make_app
from customer_segmentation.serving.keys import add_key
from customer_segmentation.serving.settings import Settings
from tests.security.raw import asked, request, status
from tests.serving.process import ServerProcess, serving

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")
OPEN = ("/", "/docs", "/schema/openapi.json", "/page/page.css", "/healthz", "/readyz", "/ping")
# Path -> the role that it asks for.
CLOSED = {
    "/metrics": "admin",
    "/invocations": "score",
    "/v1/segments": "score",
    "/v1/bundle": "score",
    "/v1/customers/1": "read",
    "/v1/customers/1/segment": "read",
    "/v1/customers/segments": "read",
    "/v1/history/1": "read",
    "/v1/audiences": "read",
    "/v1/audiences/count": "read",
    "/v1/audiences/x": "read",
    "/v1/audiences/x/sql": "read",
    "/v1/audiences/x/customers": "read",
    "/v1/campaign": "read",
    "/v1/campaign/plan": "read",
    "/v1/campaign/list": "read",
    "/v1/events": "ingest",
    "/v1/records": "ingest",
    "/v1/outcomes": "ingest",
    "/v1/moves": "read",
    "/v1/jobs": "score",
    "/v1/proposals": "score",
    "/v1/jobs/0": "score",
    "/v1/jobs/0/results": "score",
    "/v1/jobs/0/rejected": "score",
}
# They have an id, which may hold any sign: whatever follows asks for one.
OF_A_CUSTOMER = ("/v1/customers/", "/v1/history/")


class Keyed(NamedTuple):
    """A server with keys, and a key of each role ('' for none, `wrong` for nobody's)."""

    server: ServerProcess
    keys: dict[str, str]


@pytest.fixture(scope="module")
def keyed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    folder = tmp_path_factory.mktemp("keyed")
    path = folder / "keys.json"
    keys = {role: add_key(path, role, (role,)) for role in ("score", "read", "ingest", "admin")}
    options = ["--keys", path, "--job-workers", "0", "--wrong-keys-per-second", "0"]
    with serving(bundle, folder, *options) as server:
        yield Keyed(server, {"": "", "wrong": "cs_wrong", **keys})


def spellings(path: str) -> list[str]:
    """Other ways to write a path, some of which some programs take for the same."""
    # A slash at the end is of the same route, which the last test here tries.
    same = {path, path + "/", path.rstrip("/")}
    return sorted({spelling for spelling in _written(path) if spelling not in same})


def _written(path: str) -> Iterator[str]:
    yield "/" + path
    yield "//" + path
    yield path + "/"
    yield path + "//"
    yield path.replace("/", "//")
    yield path[0] + path[1:].replace("/", "//", 1)
    yield "/." + path
    yield "/x/.." + path
    yield path + "/."
    yield path + "/x/.."
    yield "/%2e" + path
    yield "/x/%2e%2e" + path
    yield "/%2f" + path[1:]
    yield "%2f" + path[1:]
    yield path.replace("/", "%2F")
    yield "/" + path[1:].replace("/", "%2f")
    yield path.replace("/", "\\")
    yield "/" + path[1:].replace("/", "%5c")
    yield "/" + "".join(f"%{ord(sign):02x}" for sign in path[1:])
    yield "/" + f"%{ord(path[1]):02X}" + path[2:] if len(path) > 1 else "/%20"
    yield "/" + f"%25{ord(path[1]):02x}" + path[2:] if len(path) > 1 else "/%2520"
    yield path.upper() if path.upper() != path else path + "A"
    yield path.title() if path.title() != path else path + "a"
    yield path + ";"
    yield path + ";a=b"
    yield "/;a" + path
    yield path + "%00"
    yield path + "%20"
    yield path + "%0d%0a"
    yield path + "."
    yield path + ".json"
    yield path + "%3f"
    yield path + "%23"
    yield "http://localhost" + "/" + path
    yield "http://other.example" + path
    yield "x" + path
    yield path[1:] or "*"


def sent(keyed: Keyed, method: str, path: str, key: str) -> int:
    content = request(method, path, key=keyed.keys[key], body=b"{}" if method == "POST" else b"")
    return status(asked(keyed.server, content))


def allowed(found: int) -> bool:
    """Whether the route was reached: it answered, or had something to say of the request."""
    return found not in {0, 400, 401, 403, 404, 405}


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_key_no_spelling_of_a_path_is_let_in(keyed: Keyed, path: str) -> None:
    for method in METHODS:
        assert sent(keyed, method, path, "") == 401
        assert sent(keyed, method, path, "wrong") == 401
    for spelling in spellings(path):
        for method in ("GET", "POST"):
            found = sent(keyed, method, spelling, "")
            # 400 is a path that is none; 0 closes on what is not even HTTP.
            assert found in {0, 400, 401}, (method, spelling, found)


@pytest.mark.parametrize("path", CLOSED)
def test_a_key_is_let_in_by_no_spelling_where_the_path_itself_refuses_it(
    keyed: Keyed, path: str
) -> None:
    method = "POST" if path in {"/v1/segments", "/invocations"} else "GET"
    for role in ("score", "read", "ingest", "admin"):
        is_right = role in {CLOSED[path], "admin"}
        assert (sent(keyed, method, path, role) == 403) is not is_right
        for spelling in spellings(path):
            if path.startswith(OF_A_CUSTOMER) and spelling.startswith(OF_A_CUSTOMER):
                # For those alone who may read it.
                assert (sent(keyed, method, spelling, role) == 403) is not is_right
            elif not spelling.startswith("http://other"):
                assert not allowed(sent(keyed, method, spelling, role)), (spelling, role)


@pytest.mark.parametrize("path", OPEN)
def test_an_open_path_has_one_spelling_too(keyed: Keyed, path: str) -> None:
    assert sent(keyed, "GET", path, "") == 200
    for spelling in spellings(path):
        if spelling not in OPEN and not spelling.startswith("http://"):
            assert not allowed(sent(keyed, "GET", spelling, "")), spelling


def test_every_route_of_the_server_is_in_the_lists_above(bundle: Path) -> None:
    routes: Routes = make_app(Settings(bundle=str(bundle)))._routes
    found = {route: access for route, access in _declared(routes).items() if route != "other"}
    listed = {routes.find(path.encode()).label: CLOSED[path] for path in CLOSED}
    listed |= {routes.find(path.encode()).label: "open" for path in OPEN}
    assert {label: "open" if a == "probe" else a for label, a in found.items()} == listed
    for path in (*CLOSED, *OPEN):
        assert routes.find(path.encode()) is not UNKNOWN


def _declared(routes: Routes) -> dict[str, str]:
    every = [*routes._fixed.values(), *(route for _, route in routes._patterns)]
    return {route.label: route.access for route in every}


def test_a_path_that_is_unknown_tells_nothing_without_a_key(keyed: Keyed) -> None:
    assert sent(keyed, "GET", "/nothing", "") == 401
    assert sent(keyed, "GET", "/nothing", "read") == 404


def test_a_spelling_of_jobs_fails_nowhere(keyed: Keyed) -> None:
    """It was an error of the server, with a traceback in its log."""
    for path in ("//v1/jobs", "//v1/jobs/0", "/v1//jobs/0/results"):
        assert sent(keyed, "GET", path, "score") == 404
    assert "Traceback" not in keyed.server.stderr()


@pytest.mark.parametrize("path", [*CLOSED, *OPEN])
def test_a_slash_at_the_end_lets_in_whom_the_path_lets_in(keyed: Keyed, path: str) -> None:
    if not path.startswith(OF_A_CUSTOMER):
        for key in keyed.keys:
            for method in ("GET", "POST"):
                found = [sent(keyed, method, each, key) for each in (path, path.rstrip("/") + "/")]
                assert found[0] == found[1]
