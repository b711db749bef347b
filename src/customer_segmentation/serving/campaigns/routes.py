"""`/v1/campaign`: the planned campaign, a plan of it on other terms, and that plan's list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from litestar import Response, get, post
from litestar.response import Stream

from customer_segmentation.campaigns.candidates import Plan
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.serving.body import read_body
from customer_segmentation.serving.campaigns.changes import changed
from customer_segmentation.serving.campaigns.stored import PlannedCampaign, StoredCampaign
from customer_segmentation.serving.campaigns.views import describe_campaign, describe_plan
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.responses import CSV, AnyRequest, cached_response, json_response
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.spreadsheet import disarmed

logger = logging.getLogger(__name__)

# It tells of few customers, where a segment has few.
_ACCESS = {"access": "read"}
_PRIVATE = {"cache-control": "private, no-store"}
# Plans at work in one process.
_AT_ONCE = 2
_SHORTER = "name what differs from the campaign as planned"
# Rows of a list that are written at once.
_ROWS = 50_000

# It passes when the next run has ended.
_UNREADABLE_SECONDS = "30"

_Made = TypeVar("_Made")


def campaign_routes(server: Server) -> list[Any]:
    """The handlers."""
    stored = StoredCampaign(server.settings.campaign, server.settings.campaign_summary)
    at_work = 0

    async def work(make: Callable[[bytes], _Made], body: bytes) -> _Made:
        """Plan in a thread, while few others do."""
        nonlocal at_work
        if at_work >= _AT_ONCE:
            wait = {"retry-after": "1"}
            raise RefusedError(503, "other plans are being made: try again", headers=wait)
        at_work += 1
        try:
            return await asyncio.to_thread(make, body)
        finally:
            at_work -= 1

    @lru_cache(maxsize=1)
    def described(campaign: PlannedCampaign) -> bytes:
        return msgspec.json.encode(describe_campaign(campaign))

    @get("/v1/campaign", opt=_ACCESS, sync_to_thread=True)
    def campaign(request: AnyRequest) -> Response[bytes]:
        current = _current(stored)
        headers = {"cache-control": "private, no-cache", **_of(current)}
        return cached_response(
            request, f'"{current.state}"', lambda: described(current), headers=headers
        )

    @post("/v1/campaign/plan", opt=_ACCESS, status_code=200)
    async def plan(request: AnyRequest) -> Response[bytes]:
        def make(body: bytes) -> Response[bytes]:
            current, parameters, made = _planned(stored, body)
            view = describe_plan(current, parameters, made)
            return json_response(view, headers={**_PRIVATE, **_of(current)})

        return await work(make, await request.body())

    # It reads the body itself: a stream ends when the guard's copy of the body does.
    @post("/v1/campaign/list", opt={**_ACCESS, "streams": True}, status_code=200)
    async def members(request: AnyRequest) -> Stream:
        def make(body: bytes) -> Stream:
            current, parameters, made = _planned(stored, body)
            name = f'attachment; filename="{parameters.name}.csv"'
            headers = {**_PRIVATE, **_of(current), "content-disposition": name}
            return Stream(_lines(current, parameters, made), media_type=CSV, headers=headers)

        settings, sent = server.settings, dict(request.scope["headers"])
        limits = settings.max_body, settings.body_seconds
        return await work(make, await read_body(request.receive, sent, *limits, _SHORTER))

    return [campaign, plan, members]


def _current(stored: StoredCampaign) -> PlannedCampaign:
    try:
        return stored.current()
    except FileNotFoundError as error:
        detail = "no campaign was planned yet: run kedro run --pipeline=campaign_planning"
        raise RefusedError(404, detail) from error
    except UserError as error:
        logger.warning("%s", error)
        detail, wait = str(error).removesuffix("."), {"retry-after": _UNREADABLE_SECONDS}
        raise RefusedError(503, detail, headers=wait) from error


def _planned(
    stored: StoredCampaign, body: bytes
) -> tuple[PlannedCampaign, CampaignParameters, Plan]:
    """The campaign, what a request makes of it, and the plan of that.

    Raises:
        RefusedError: The request is wrong, or its limits do not hold together.
    """
    current = _current(stored)
    parameters = changed(current.parameters, current.candidates.segment_keys, body)
    try:
        return current, parameters, make_plan(current.candidates, parameters, current.chances)
    except UserError as error:
        # The block of the configuration is not the client's.
        detail = str(error).removeprefix("campaign_planning").lstrip(".: ").removesuffix(".")
        raise RefusedError(422, detail) from error


def _lines(current: PlannedCampaign, parameters: CampaignParameters, plan: Plan) -> Iterator[bytes]:
    """The list as CSV, some rows at a time: who is contacted, with what, how."""
    import polars as pl  # noqa: PLC0415 - 40 MB that few requests need

    offers = [*parameters.offers]
    channels = [offer.channel for offer in parameters.offers.values()]
    candidates, chosen = current.candidates, plan.contacted.nonzero()[0]
    # At least one part, for the header.
    for start in range(0, max(len(chosen), 1), _ROWS):
        rows = chosen[start : start + _ROWS]
        offer = plan.offers[rows]
        members = pl.DataFrame(
            {
                KEY: candidates.ids[rows].tolist(),
                "offer": [offers[place] for place in offer],
                "channel": [channels[place] for place in offer],
                "segment": [candidates.segment_keys[place] for place in candidates.segments[rows]],
            },
            schema=dict.fromkeys((KEY, "offer", "channel", "segment"), pl.String),
        )
        yield disarmed(members).write_csv(include_header=start == 0).encode()


def _of(campaign: PlannedCampaign) -> dict[str, str]:
    """Headers: the model that told who answers, instead of the champion, and which run's plan."""
    return {"artifact-version": campaign.artifact_version, "campaign-state": campaign.state}
