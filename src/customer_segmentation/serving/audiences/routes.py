"""`/v1/audiences`: customers by segment, rule and consent: counted, kept by name, listed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from litestar import Response, delete, get, post, put
from litestar.params import FromPath
from litestar.response import Stream

from customer_segmentation.audiences.definition import (
    Audience,
    Choices,
    Definition,
    DefinitionError,
)
from customer_segmentation.audiences.query import Query
from customer_segmentation.audiences.rule import fields_in
from customer_segmentation.audiences.sql import DIALECTS, list_query
from customer_segmentation.audiences.store import NAME, AudienceStore, Version
from customer_segmentation.schema.parts import KEY
from customer_segmentation.serving.audiences.room import Room, telling
from customer_segmentation.serving.audiences.views import (
    AudienceChoices,
    AudienceCount,
    AudienceDefinition,
    AudienceHistory,
    AudienceQuestion,
    FieldValue,
    PurposeView,
    describe_count,
    describe_field,
    describe_history,
    describe_version,
    read_definition,
    refuse_named_customers,
    wrong_part,
)
from customer_segmentation.serving.body import read_body
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.guard import bundle_of, key_of
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.responses import CSV, AnyRequest, json_response
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.spreadsheet import disarmed

if TYPE_CHECKING:
    import polars as pl

# It tells of few customers, where few keep a rule.
_ACCESS = {"access": "read"}
_PRIVATE = {"cache-control": "private, no-store"}
_SHORTER = "a rule has at most 2000 characters"

_Made = TypeVar("_Made")


def audience_routes(server: Server) -> list[Any]:
    """The handlers."""
    room = Room(server.settings)
    return [*_counting(room, server.settings), *_keeping(room), *_telling_of_one(room)]


def _counting(room: Room, settings: Settings) -> list[Any]:
    @get("/v1/audiences", opt=_ACCESS)
    async def audiences(request: AnyRequest) -> Response[bytes]:
        bundle = bundle_of(request.scope)
        view = await _threaded(lambda: _described(room, bundle))
        return json_response(view, headers=_PRIVATE)

    # It reads the body itself, and so is told when the client leaves.
    @post("/v1/audiences/count", opt={**_ACCESS, "streams": True}, status_code=200)
    async def count(request: AnyRequest) -> Response[bytes]:
        sent = dict(request.scope["headers"])
        limits = settings.max_body, settings.body_seconds
        body = await read_body(request.receive, sent, *limits, _SHORTER)
        asked, bundle = read_definition(body, AudienceQuestion), bundle_of(request.scope)

        def make(query: Query) -> AudienceCount:
            choices, customers = room.current(bundle)
            audience, day = _checked(choices, asked.checked()), asked.day or _today()
            agreed = room.agreed(bundle, customers, audience, day)
            rows = customers.count(audience, agreed, query)
            return describe_count(rows, choices, day, customers.as_of or day)

        return json_response(await room.work(request.receive, make), headers=_PRIVATE)

    return [audiences, count]


def _keeping(room: Room) -> list[Any]:
    @put("/v1/audiences/{name:str}", opt=_ACCESS)
    async def keep(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        if not (body := await request.body()):
            raise RefusedError(400, "the body is empty: send {} for everybody")
        asked = read_definition(body, AudienceDefinition).checked()
        bundle, by = bundle_of(request.scope), key_of(request.scope).name
        if not re.fullmatch(NAME, name):
            raise wrong_part("$", "a name is lower-case letters, digits, - and _, at most 63")
        audience = _checked(room.choices(bundle), asked)
        refuse_named_customers(fields_in(audience.rule))
        version = await _threaded(lambda: room.store.put(name, asked, by))
        return json_response(describe_version(version), headers=_PRIVATE)

    @get("/v1/audiences/{name:str}", opt=_ACCESS)
    async def kept(name: FromPath[str]) -> Response[bytes]:
        def make() -> AudienceHistory:
            _found(room.store, name)
            return describe_history(room.store.versions(name))

        return json_response(await _threaded(make), headers=_PRIVATE)

    @delete("/v1/audiences/{name:str}", opt=_ACCESS, status_code=204)
    async def remove(request: AnyRequest, name: FromPath[str]) -> None:
        by = key_of(request.scope).name
        if not re.fullmatch(NAME, name) or not await _threaded(lambda: room.store.delete(name, by)):
            raise _unknown(name)

    return [keep, kept, remove]


def _telling_of_one(room: Room) -> list[Any]:
    @get("/v1/audiences/{name:str}/sql", opt=_ACCESS)
    async def sql(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        dialect, bundle = request.query_params.get("dialect", ""), bundle_of(request.scope)
        if dialect not in DIALECTS:
            raise RefusedError(400, f"dialect is one of {', '.join(DIALECTS)}")
        day, schema = _asked_day(request), bundle.contract.schema

        def make() -> bytes:
            version = _found(room.store, name)
            audience = _checked(room.choices(bundle), version.definition)
            about = f"-- Audience {name}, version {version.number}.\n"
            return (about + list_query(audience, schema, day, dialect)).encode()

        return Response(await _threaded(make), media_type="text/plain", headers=_PRIVATE)

    @get("/v1/audiences/{name:str}/customers", opt={**_ACCESS, "streams": True})
    async def members(request: AnyRequest, name: FromPath[str]) -> Stream:
        bundle, day = bundle_of(request.scope), _asked_day(request) or _today()

        def make(query: Query) -> Stream:
            choices, customers = room.current(bundle)
            audience = _checked(choices, _found(room.store, name).definition)
            agreed = room.agreed(bundle, customers, audience, day)
            lines = _lines(customers.listed(audience, agreed, query))
            headers = {**_PRIVATE, "content-disposition": f'attachment; filename="{name}.csv"'}
            return Stream(lines, media_type=CSV, headers=headers)

        return await room.work(request.receive, make)

    return [sql, members]


async def _threaded(make: Callable[[], _Made]) -> _Made:
    return await asyncio.to_thread(telling, lambda _: make(), Query())


def _described(room: Room, bundle: Bundle) -> AudienceChoices:
    choices, customers = room.current(bundle)
    return AudienceChoices(
        as_of=customers.as_of or _today(),
        day=_today(),
        customers=customers.total,
        consent_is_known=room.consents.is_known(bundle.contract.schema),
        fields=[describe_field(field) for field in choices.fields.values()],
        segments=[FieldValue(key, name) for key, name in choices.segments.items()],
        purposes=[PurposeView(key, label) for key, label in choices.purposes.items()],
        audiences=[describe_version(version) for version in room.store.all()],
    )


def _checked(choices: Choices, definition: Definition) -> Audience:
    try:
        return choices.check(definition)
    except DefinitionError as error:
        raise wrong_part(error.path, str(error)) from error


def _found(store: AudienceStore, name: str) -> Version:
    version = store.find(name) if re.fullmatch(NAME, name) else None
    if version is None:
        raise _unknown(name)
    return version


def _unknown(name: str) -> RefusedError:
    return RefusedError(404, f"there is no audience {name[:63]}: GET /v1/audiences lists them")


def _asked_day(request: AnyRequest) -> date | None:
    day = request.query_params.get("day")
    try:
        return date.fromisoformat(day) if day is not None else None
    except ValueError as error:
        raise RefusedError(400, "day is no day: write it as 2026-11-29") from error


def _today() -> date:
    return datetime.now(UTC).date()


def _lines(parts: Iterator[list[tuple[str, str]]]) -> Iterator[bytes]:
    """The list as CSV, some rows at a time."""
    import polars as pl  # noqa: PLC0415 - 40 MB that few requests need

    yield f"{KEY},segment\n".encode()
    for rows in parts:
        yield _csv(
            pl.DataFrame(rows, schema=dict.fromkeys((KEY, "segment"), pl.String), orient="row")
        )


def _csv(rows: pl.DataFrame) -> bytes:
    return disarmed(rows).write_csv(include_header=False).encode()
