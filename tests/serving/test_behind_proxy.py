"""Behind a proxy that takes a prefix off each path, and that knows nothing of this server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.serving.settings import read_settings
from tests.services.nginx import proxied
from tests.serving.jobs.posting import CSV, HEADER, ended
from tests.serving.process import ServerProcess, serving

PREFIX = "/shop/segments"
NO_PREFIXES = ("//a.example", "https://a.example", "/a/../b", "/shop/", "shop", "/a?b", "/a b", "/")
ROWS = f"{HEADER}\n1,1970,Single,50000,0,0\n"
LINK = re.compile(r'(?:href|src)="([^"#][^"]*)"|from "(\./[^"]+)"')


@pytest.fixture(scope="module")
def plain(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that was told nothing of its proxy."""
    with proxied(server.url, PREFIX, tmp_path_factory.mktemp("plain") / "nginx") as url:
        yield url


@pytest.fixture(scope="module")
def told(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that was told its prefix."""
    folder = tmp_path_factory.mktemp("told")
    with (
        serving(bundle, folder, "--root-path", PREFIX) as server,
        proxied(server.url, PREFIX, folder / "nginx") as url,
    ):
        yield url


@pytest.fixture(params=["plain", "told"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("page", ["/", "/docs", "/docs/"])
def test_every_link_of_a_page_leads_somewhere(url: str, page: str) -> None:
    waiting, seen = [url + page], set()
    while waiting:
        here = waiting.pop()
        seen.add(here)
        answer = httpx.get(here)
        assert answer.status_code == 200, here
        links = {urljoin(here, a or b) for a, b in LINK.findall(answer.text)}
        waiting += [link for link in links - seen if link.startswith("http")]
    files = ("", "docs", "schema/openapi.json", "page/page.css", "page/words.js")
    assert seen >= {f"{url}/{file}" for file in files}


@pytest.mark.parametrize("path", ["/schema/openapi.json", "/schema/openapi.json/"])
def test_the_openapi_document_names_the_address_that_its_reader_uses(url: str, path: str) -> None:
    server = httpx.get(url + path).json()["servers"][0]["url"]
    # As the specification says, and as a client does that puts the two together first.
    assert urljoin(url + path, server).rstrip("/") == url
    assert urljoin(url + path, f"{server}/v1/segments") == f"{url}/v1/segments"


def test_the_location_of_a_job_and_its_links_lead_to_it(told: str) -> None:
    sent = httpx.post(f"{told}/v1/jobs", content=ROWS, headers={"content-type": CSV})
    where = urljoin(str(sent.url), sent.headers["location"])
    assert where.startswith(told)
    with httpx.Client(base_url=told) as client:
        ended(client, sent.json())
    job = httpx.get(where).json()
    assert {
        name: httpx.get(urljoin(where, link)).status_code for name, link in job["links"].items()
    } == {
        "self": 200,
        "results": 200,
        "rejected": 200,
    }
    listed = httpx.get(f"{told}/v1/jobs").json()["jobs"]
    assert job["links"] in [each["links"] for each in listed]


def test_a_head_comes_through(url: str) -> None:
    for path in ("/", "/v1/bundle", "/healthz"):
        asked, told = (httpx.request(method, url + path) for method in ("GET", "HEAD"))
        assert (told.status_code, told.content) == (200, b"")
        assert told.headers["content-length"] == asked.headers["content-length"]


@pytest.fixture(scope="module")
def job(client: httpx.Client) -> str:
    """The path of a job on a server that nobody told of a prefix."""
    posted = client.post("/v1/jobs", content=ROWS, headers={"content-type": CSV})
    path: str = posted.headers["location"]
    return path


def test_a_proxy_may_name_the_prefix_itself(client: httpx.Client, job: str) -> None:
    answer = client.get(job, headers={"x-forwarded-prefix": "/shop"})
    assert answer.json()["links"]["self"] == f"/shop{job}"


@pytest.mark.parametrize("prefix", NO_PREFIXES)
def test_what_is_no_prefix_leads_nowhere_else(client: httpx.Client, job: str, prefix: str) -> None:
    answer = client.get(job, headers={"x-forwarded-prefix": prefix})
    assert answer.json()["links"]["self"] == job
    with pytest.raises(UserError, match="write it as /shop"):
        read_settings({"root_path": prefix})
