"""`POST /v1/segments`: one customer or a list, answered in the request's order."""

from __future__ import annotations

from customer_segmentation.serving.answering import Answering, flags
from customer_segmentation.serving.asgi import Receive, Scope, Send, respond
from customer_segmentation.serving.guard import bundle_of


class Segments(Answering):
    """Answers requests."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI handler: Litestar's request and response would take longer than the answer.

        Raises:
            RefusedError: As `answer`, and for an unknown query parameter.
        """
        asked = flags(scope["query_string"])
        message = await receive()
        body = await self.answer(bundle_of(scope), message.get("body", b""), **asked)
        await respond(send, 200, b"application/json", body)
