"""`GET /v1/moves`: who moved between segments last, and how many customers each has now."""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from litestar import Response, get

from customer_segmentation.errors import UserError
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.moves.stored import Move, StoredMoves
from customer_segmentation.serving.paced import Paced
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.responses import AnyRequest, cached_response
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.stored import Summary

logger = logging.getLogger(__name__)

# Moves in one answer.
_TOLD = 100
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class SegmentNow(msgspec.Struct):
    """How many customers a segment has now."""

    segment: str
    segment_name: str
    customers: int


class MovesView(msgspec.Struct):
    """Who moved last, the newest first, and the segments as they are now.

    `last`: when the newest move of all was recorded; sent as `after`, it asks for what is newer.
    `left_out`: how many moves of those asked for are not among `moves`, of the last thousand.
    """

    last: str
    moves: list[Move]
    left_out: int
    segments: list[SegmentNow]


def moves_routes(server: Server) -> list[Any]:
    """The handler."""
    stored = StoredMoves(server.settings.moves)
    # A stream changes the table each second, and counting its rows takes longer with their number.
    summary = Paced(server.stored.summary)

    @get("/v1/moves", opt={"access": "read"}, sync_to_thread=True)
    def moves(request: AnyRequest) -> Response[bytes]:
        after = _after(request)
        try:
            known = stored.latest()
        except FileNotFoundError as error:
            raise RefusedError(404, "no stream has told of a move yet: docs/sources.md") from error
        except UserError as error:
            logger.warning("%s", error)
            raise RefusedError(503, str(error), headers={"retry-after": "5"}) from error
        try:
            counts = summary()
        except FileNotFoundError:
            counts = None
        bundle = bundle_of(request.scope)
        state = f"{known[0].recorded_at}-{len(known)}-{counts.state if counts else ''}"
        return cached_response(
            request,
            f'"{state}-{bundle.version}-{after}"',
            lambda: msgspec.json.encode(_view(known, after, bundle, counts)),
            headers={"cache-control": "private, no-cache"},
        )

    return [moves]


def _after(request: AnyRequest) -> str:
    after = str(request.query_params.get("after", ""))
    if after and not _MOMENT.fullmatch(after):
        raise RefusedError(400, "after is no moment: send what an answer had as last")
    return after


def _view(known: tuple[Move, ...], after: str, bundle: Bundle, counts: Summary | None) -> MovesView:
    new = [move for move in known if move.recorded_at > after]
    told = new[:_TOLD]
    return MovesView(known[0].recorded_at, told, len(new) - len(told), _segments(bundle, counts))


def _segments(bundle: Bundle, counts: Summary | None) -> list[SegmentNow]:
    """The segments of the champion in their order, then those of other artifacts."""
    names = {each["key"]: each["name"] for each in bundle.segmenter.metadata["segments"]}
    stored = counts.segments if counts else {}
    others = {key: key for key in sorted(stored) if key not in names}
    return [
        SegmentNow(key, name, stored[key].customers if key in stored else 0)
        for key, name in (names | others).items()
    ]
