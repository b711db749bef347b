"""The server, made slow for `capacity.py`: a process answers one request at a time, by sleeping.

So a handful of workers can be loaded on a machine of two cores, and waiting follows from their
number alone. All else is the server's own. Options are those of the server.
"""

from __future__ import annotations

import asyncio
import os
from random import Random

from customer_segmentation.serving.__main__ import main
from customer_segmentation.serving.asgi import Receive, Scope, Send
from customer_segmentation.serving.segments import Segments

SECONDS, SEED = "SLOWED_SECONDS", "SLOWED_SEED"
_serve = Segments.serve


def slow(mean: float, seed: int) -> None:
    """Have each answer take an exponential time of this mean, in seconds."""
    draw, taken = Random(seed), asyncio.Lock()  # noqa: S311 - no secret

    async def serve(segments: Segments, scope: Scope, receive: Receive, send: Send) -> None:
        # First come, first served, as a worker that is busy does.
        async with taken:
            await asyncio.sleep(draw.expovariate(1.0 / mean))
            await _serve(segments, scope, receive, send)

    Segments.serve = serve  # type: ignore[method-assign] # for a measurement


if __name__ == "__main__":
    slow(float(os.environ[SECONDS]), int(os.environ[SEED]))
    main()
