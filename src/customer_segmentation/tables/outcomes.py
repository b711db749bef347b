"""The columns of outcomes, and of what was known of customers when a campaign was planned."""

from __future__ import annotations

# Of an outcome.
OUTCOME_ID, REVISION = "outcome_id", "revision"
HAPPENED_AT, RECEIVED_AT = "happened_at", "received_at"
# Of the contact that it followed.
SENT_ON, IN_HOLD_OUT = "sent_on", "in_hold_out"
RESPONSE_VERSION = "response_version"
# Of a plan: with which probability a customer of equal worth was contacted, before the hold-out.
CHANCE = "chance"
# How many times as often the offer was expected to be answered as the model says.
ANSWER_FACTOR = "answer_factor"
# Before the names of the response model's input columns, which may be any.
INPUT = "input_"
# Why an outcome that arrived is kept apart from those that count, in words.
REASON = "reason"
