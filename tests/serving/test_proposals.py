"""`POST /v1/proposals`: a schema for a stranger's file, and nothing that is kept of it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import yaml

from customer_segmentation.schema.schema import Schema
from customer_segmentation.serving.keys import add_key
from tests.proposal.strangers import (
    Stranger,
    german_shop,
    mall,
    superstore,
    typed_parquet,
    workbook,
)
from tests.serving.process import serving
from tests.sources.made import EXCEL, as_zip

URL = "/v1/proposals"
CSV = {"content-type": "text/csv"}


def post(
    client: httpx.Client, stranger: Stranger, media_type: str = "text/csv", **query: object
) -> httpx.Response:
    sent = {"content-type": f"{media_type}; charset={stranger.encoding}"}
    params = {"name": stranger.name, **query}
    return client.post(URL, content=stranger.content, headers=sent, params=params)


@pytest.mark.parametrize(
    ("stranger", "kind"),
    [
        (mall(), "text/csv"),
        (german_shop(), "text/csv"),
        (typed_parquet(), "application/vnd.apache.parquet"),
        (workbook(), EXCEL),
        (superstore(), "text/csv"),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_a_file_of_any_kind_is_proposed_for(
    client: httpx.Client, stranger: Stranger, kind: str
) -> None:
    first = post(client, stranger, kind)
    assert first.status_code == 200, first.text
    assert first.json()["needs_day"] is bool(stranger.asked)
    answer = post(client, stranger, kind, as_of="2024-01-31").json()
    assert answer["questions"] == []
    Schema.model_validate(yaml.safe_load(answer["schema"]))
    kinds = {column["header"]: column["kind"] for column in answer["columns"]}
    assert kinds.items() >= {**stranger.kinds, stranger.key: "key"}.items()
    assert {*kinds.values()} <= {*answer["kinds"]}


def test_corrections_count(client: httpx.Client) -> None:
    said = {"kind": ["Age=number", "Genre=text"], "key": "CustomerID"}
    answer = post(client, mall(), **said).json()
    kinds = {column["header"]: column["kind"] for column in answer["columns"]}
    assert (kinds["Genre"], kinds["Age"]) == ("text", "number")
    assert "# Genre: not read, as you said" in answer["schema"]


@pytest.mark.parametrize(
    ("content", "headers", "query", "status", "says"),
    [
        (b"", CSV, "", 400, "the body is empty"),
        (b"a,b\n1,2\n", {"content-type": "text/html"}, "", 415, "Content-Type"),
        (b"a,b\n1,2\n", {"content-type": "text/csv; charset=ebcdic-9"}, "", 415, "encoding"),
        (b"just text", CSV, "", 422, "the header is one column"),
        (b"a,b\n", CSV, "", 422, "no row below it"),
        (b"a;b\n\xe9;2\n", CSV, "", 422, "not UTF-8"),
        (b"%PDF-1.7", CSV, "", 422, "a PDF"),
        (b"town,name\nx,y\n", CSV, "", 422, "fewer than two columns of numbers"),
        (b"a,b\n1,2\n3,4\n", CSV, "kind=c=money", 422, "no column 'c'"),
        (b"a,b\n1,2\n3,4\n", CSV, "kind=a=gold", 422, "no kind 'gold'"),
        (b"a,b\n1,2\n3,4\n", CSV, "as_of=soon", 422, "as_of"),
        (b"a,b\n1,2\n3,4\n", CSV, "date_format=%25H", 422, "date format"),
        (b"x" * 5_000_001, CSV, "", 413, "the first rows"),
    ],
)
def test_what_cannot_be_proposed_for_is_told_in_one_message(  # noqa: PLR0913, PLR0917 - a row of the table
    client: httpx.Client,
    content: bytes,
    headers: dict[str, str],
    query: str,
    status: int,
    says: str,
) -> None:
    answer = client.post(f"{URL}?{query}", content=content, headers=headers)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


def test_a_workbook_that_unfolds_to_much_is_refused_unread(client: httpx.Client) -> None:
    large = as_zip(**{"xl/workbook.xml": b"<workbook/>", "xl/more.xml": b"0" * (1 << 26)})
    for content, kind in ((large, EXCEL), (as_zip(a__xlsx=large), "application/zip")):
        answer = client.post(URL, content=content, headers={"content-type": kind})
        assert (answer.status_code, "unfolds to more" in answer.text) == (422, True), answer.text


def test_headers_cannot_write_into_the_schema(client: httpx.Client) -> None:
    evil = [
        "spend\x85amount: 1",
        "}{$}",
        "${oc.env:HOME}",
        "a\u2028b",
        "# x",
        "*y",
        "\U0001f600 total",
    ]
    rows = "\n".join(
        f"{n},{n * 7 % 91},{n % 13},{n * n % 31},{n % 17},{n % 5},{n * n}" for n in range(60)
    )
    content = f"{','.join(evil)}\n{rows}\n".encode()
    answer = client.post(URL, content=content, headers=CSV, params={"name": "x\ncolumns: 1"})
    read = yaml.safe_load(answer.json()["schema"])
    headers = Schema.model_validate(read).aliases
    assert {*headers} == {*evil} - {"${oc.env:HOME}"}


def test_the_route_asks_for_the_role_of_jobs_and_keeps_nothing(
    bundle: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    score, read = (add_key(keys, role, (role,)) for role in ("score", "read"))
    with serving(bundle, tmp_path, "--keys", keys) as server:
        before = files_below(tmp_path)
        for key, status in ((score, 200), (read, 403), ("cs_wrong", 401)):
            sent = {"authorization": f"Bearer {key}", **CSV}
            answer = httpx.post(server.url + URL, content=mall().content, headers=sent)
            assert answer.status_code == status
        assert files_below(tmp_path) == before


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix != ".log"}
