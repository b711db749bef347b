"""The page on loopback: two addresses, which ask nobody else for anything."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Litestar, MediaType, Request, Response, get

from customer_segmentation.errors import UserError
from tools.dashboard import page
from tools.dashboard.tables import Tables

HOST = "127.0.0.1"
# As the API's page has them; the form alone may send, and to here.
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # A page of before would be taken for one of now.
    "cache-control": "no-store",
}


def _require_own_name(request: Request) -> Response[str] | None:  # type: ignore[type-arg]  # nobody logs in
    """Refuse the name of another site, which could have it lead here to read the page."""
    name = request.headers.get("host", "").partition(":")[0]
    if name in {HOST, "localhost"}:
        return None
    told = f"this page is http://{HOST} alone\n"
    return Response(told, media_type=MediaType.TEXT, status_code=421, headers=_HEADERS)


def site(tables: Tables) -> Litestar:
    """The application.

    Args:
        tables: Of the environment that is shown.
    """

    @get("/", media_type=MediaType.HTML, sync_to_thread=True)
    def shown(request: Request) -> Response[str]:  # type: ignore[type-arg]  # nobody logs in
        wanted: Mapping[str, str] = dict(request.query_params)
        try:
            return Response(page.render(tables, wanted, is_served=True), headers=_HEADERS)
        except UserError as error:
            return Response(
                f"{error}\n", media_type=MediaType.TEXT, status_code=503, headers=_HEADERS
            )

    @get("/style.css", media_type=MediaType.CSS, sync_to_thread=False)
    def style() -> Response[str]:
        return Response(page.style(), headers=_HEADERS)

    return Litestar(
        [shown, style],
        before_request=_require_own_name,
        openapi_config=None,
    )
