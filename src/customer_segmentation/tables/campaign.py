"""Why a customer is contacted or not, and with what, in the words of `gold_campaign`."""

from __future__ import annotations

CHOSEN = "chosen"
HELD_OUT = "held out"
# Barred before anything is planned.
NOT_SEGMENTED = "not segmented"
NEVER = "never contacted"
NO_CONSENT = "no consent"
CONTACTED = "contacted recently"
UNKNOWN = "response unknown"
# Not barred, and not chosen.
NO_OFFER = "no offer for this customer"
DOES_NOT_PAY = "does not pay"
LIMIT = "beyond a limit"
# Contacted all the same, to learn from.
EXPLORATION = "exploration"
# By code; a customer has the first that applies.
WHY = (
    *(CHOSEN, HELD_OUT, NOT_SEGMENTED, NEVER, NO_CONSENT, CONTACTED, UNKNOWN),
    *(NO_OFFER, DOES_NOT_PAY, LIMIT, EXPLORATION),
)
# The offers that somebody may get, by name.
MAY_GET = "may_get"
OFFERS_JOINED_BY = "|"
