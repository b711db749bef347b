"""An HTTP endpoint, such as a CRM's, as the receiver.

Each part is a POST of JSON lines with an `Idempotency-Key`. 2xx takes it; a body
`{"rejected": [{"customer_id": "7", "reason": "unknown"}]}` takes all but these. 408, 409, 425, 429
and 5xx, and a connection that breaks, are tried again; any other answer refuses the part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import pyarrow as pa

from customer_segmentation.delivery.bodies import as_ndjson
from customer_segmentation.delivery.posting import LONGEST_BODY, Endpoint, Poster, Reply, printable
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY

_MULTI_STATUS = 207


class HttpReceiver:
    """Posts parts one after another.

    Args:
        endpoint: Where.
        tell: Prints a line, while it is waited for.
    """

    def __init__(self, endpoint: Endpoint, tell: Callable[[str], None]) -> None:
        self.name = endpoint.name
        self._poster = Poster(endpoint, tell)

    def take(self, key: str, campaign: str, rows: pa.Table) -> Mapping[str, str]:
        """Post a part until there is an answer to it, or the wait is over.

        Raises:
            RefusedError: The answer is a refusal.
            UserError: There was none in time, or it cannot be understood.
        """
        reply = self._poster.post(key, as_ndjson(campaign, rows), "application/x-ndjson")
        return _rejected(self.name, reply, {*rows[KEY].to_pylist()})


def _rejected(name: str, reply: Reply, sent: set[str]) -> Mapping[str, str]:
    """Whom an answer of success leaves out: id -> why.

    Raises:
        UserError: It names others than were sent, or says that some are left out and not who.
    """
    unclear = f"{name} answered {reply.status}, and nobody can tell whom it took"
    if len(reply.body) > LONGEST_BODY:
        raise UserError(f"{unclear}: its answer is longer than {LONGEST_BODY // 2**20} MiB")
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        told = None
    has_list = isinstance(told, dict) and isinstance(told.get("rejected"), list)
    if not isinstance(told, dict) or not has_list:
        if reply.status == _MULTI_STATUS or (isinstance(told, dict) and "rejected" in told):
            raise UserError(f'{unclear}: it has no list "rejected"')
        return {}
    found: dict[str, str] = {}
    for each in told["rejected"]:
        named = each if isinstance(each, dict) else {KEY: each}
        customer = str(named.get(KEY, ""))
        found[customer] = _reason(str(named.get("reason") or "not said why"), customer)
    if strangers := sorted(found.keys() - sent):
        raise UserError(f"{unclear}: it rejects {printable(repr(strangers[0]))}, who was not sent")
    return found


def _reason(text: str, customer: str) -> str:
    """The receiver's words without the id, so that equal reasons are counted as one."""
    named = rf"(?<!\w){re.escape(customer)}(?!\w)"
    return printable(re.sub(named, "[id]", text) if customer else text)
