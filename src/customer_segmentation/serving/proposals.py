"""`POST /v1/proposals`: a schema for a posted file. Nothing of it is kept."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import msgspec
from litestar import Response, post

from customer_segmentation.errors import UserError
from customer_segmentation.proposal.seen import KINDS, Corrections
from customer_segmentation.serving.body import read_body
from customer_segmentation.serving.jobs.service import sent_as
from customer_segmentation.serving.jobs.table import Parameters
from customer_segmentation.serving.problems import CLOSE, RefusedError
from customer_segmentation.serving.responses import AnyRequest, json_response
from customer_segmentation.serving.server import Server
from customer_segmentation.sources.content import UTF8, Content
from customer_segmentation.sources.packed import ZIP, opened, unpacked

# Kinds show in so many rows.
_ROWS = 20_000
# Proposals at work in one process: each holds its file in memory.
_AT_ONCE = 2
# Bytes of a workbook, unpacked: jobs may read more, in processes of their own.
_MAX_WORKBOOK = 1 << 26
LONGEST_NAME = 200
_SHORTER = "propose from the first rows of the file, some thousands are enough"


class ColumnView(msgspec.Struct):
    """What a column was taken for: a kind of the schema, its name there, and what was seen."""

    header: str
    kind: str
    read_as: str
    sure: str
    remark: str


class ProposalView(msgspec.Struct):
    """A schema for a file, as the text of a `.yml` file, and what it rests on.

    `questions` are what only a person can answer; the schema is complete once there is none.
    """

    name: str
    rows_are: str
    columns: list[ColumnView]
    kinds: tuple[str, ...]
    questions: list[str]
    needs_day: bool
    schema: str


def proposal_routes(server: Server) -> list[Any]:
    """The route; a body is read only while few others are at work."""
    at_work = 0

    @post("/v1/proposals", opt={"access": "score", "streams": True}, status_code=200)
    async def post_proposal(request: AnyRequest) -> Response[bytes]:
        nonlocal at_work
        sent, corrections = sent_as(request.headers), _corrections(request)
        name = request.query_params.get("name", "")[:LONGEST_NAME] or "customers"
        if at_work >= _AT_ONCE:
            wait = {"retry-after": "1", **CLOSE}
            raise RefusedError(503, "other proposals are at work: try again", headers=wait)
        at_work += 1
        try:
            settings, headers = server.settings, dict(request.scope["headers"])
            limits = settings.max_proposal, settings.body_seconds
            body = await read_body(request.receive, headers, *limits, _SHORTER)
            if not body:
                raise RefusedError(400, "the body is empty: send a file")
            view = await asyncio.to_thread(_proposed, body, name, sent, corrections)
        finally:
            at_work -= 1
        return json_response(view, headers={"cache-control": "private, no-store"})

    return [post_proposal]


def _corrections(request: AnyRequest) -> Corrections:
    """What the query says; a kind as HEADER=KIND."""
    query = request.query_params
    given = [text.rpartition("=") for text in query.getall("kind", [])]
    return Corrections(
        kinds={header: kind for header, _, kind in given},
        key=query.get("key", ""),
        as_of=query.get("as_of", ""),
        date_format=query.get("date_format", ""),
    )


def _proposed(body: bytes, name: str, sent: Parameters, corrections: Corrections) -> ProposalView:
    """The proposal for the bytes of a file.

    Raises:
        RefusedError: It is no table, or nothing tells its customers apart.
    """
    from customer_segmentation.proposal.draft import (  # noqa: PLC0415 - few servers are asked
        propose_schema,
    )
    from customer_segmentation.proposal.reading import read_cells  # noqa: PLC0415 - as above

    content = Content(name, lambda: io.BytesIO(body), sent.get("encoding", UTF8))
    kind = None if sent["format"] == "csv" else sent["format"]
    try:
        _refuse_large_workbooks(content)
        cells = read_cells([content], _ROWS, kind)
        found = propose_schema(cells, name, corrections)
    except UserError as error:
        raise RefusedError(422, str(error).removesuffix(".")) from error
    return ProposalView(
        name=name,
        rows_are="order lines" if found.are_orders else "customers",
        columns=[
            ColumnView(header, found.kinds[header], read_as, sure, remark)
            for header, read_as, sure, remark in found.table
        ],
        kinds=KINDS,
        questions=found.questions,
        needs_day=found.needs_day,
        schema=found.text,
    )


def _refuse_large_workbooks(content: Content) -> None:
    for part in unpacked(content)[0]:
        with part.open() as file:
            if file.read(len(ZIP)) != ZIP:
                continue
        with part.open() as file, opened(part, file) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_WORKBOOK:
                raise UserError(
                    f"{part.name}: it unfolds to more than {_MAX_WORKBOOK} bytes: {_SHORTER}"
                )
