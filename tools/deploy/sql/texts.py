"""What is asked of the gold tables, in PostgreSQL's SQL, as a schema's roles allow."""

# ruff: noqa: S608 - what is put into queries are names and numbers of the schema and the code

from __future__ import annotations

from customer_segmentation.schema.schema import Schema
from tools.deploy.sql.views import NEAR, quoted

# The upper fifth of the base.
LIKELY = 80
TRAITS = 5
_LISTED = {"offer": "s.offer", "product": "s.product", "channel": "s.channel"}


def _role(schema: Schema, role: str) -> str:
    return quoted(getattr(schema.roles, role))


def affluent(schema: Schema) -> str:
    """Customers of the highest tier and the upper fifth."""
    more = [column for name, column in _LISTED.items() if name in schema.decisions]
    return f"""
SELECT s.customer_id, s.segment_name, s.likely_to_spend, f.{_role(schema, "income")} AS income,
  f.{_role(schema, "spend")} AS spend, {", ".join([*more, "s.margin"])}
FROM gold_segments AS s
JOIN gold_features AS f ON f.customer_id = s.customer_id
WHERE s.affluence_tier = 'affluent' AND s.likely_to_spend >= {LIKELY}
ORDER BY s.likely_to_spend DESC NULLS LAST, s.customer_id
"""


def waits(schema: Schema) -> str:
    """Each segment, with those who wait beside the others."""
    share, deals = (f"f.{_role(schema, role)}" for role in ("deal_share", "deals"))
    waits = "s.waits_for_offers = 'yes'"
    return f"""
SELECT s.segment, s.segment_name, COUNT(*) AS customers,
  CAST(SUM(CASE WHEN {waits} THEN 1 ELSE 0 END) AS BIGINT) AS waiting,
  CAST(SUM(CASE WHEN {waits} THEN 1 ELSE 0 END) AS DOUBLE PRECISION) / COUNT(*) AS share_waiting,
  AVG(CASE WHEN {waits} THEN {share} END) AS deal_share_waiting,
  AVG(CASE WHEN {waits} THEN NULL ELSE {share} END) AS deal_share_others,
  AVG(CASE WHEN {waits} THEN {deals} END) AS deals_waiting,
  AVG(CASE WHEN {waits} THEN NULL ELSE {deals} END) AS deals_others
FROM gold_segments AS s
JOIN gold_features AS f ON f.customer_id = s.customer_id
GROUP BY s.segment, s.segment_name
ORDER BY share_waiting DESC NULLS LAST, s.segment
"""


def sizes(_: Schema) -> str:
    """Each day and segment."""
    return """
SELECT as_of, segment, segment_name, customers, share
FROM segment_sizes
ORDER BY as_of, customers DESC NULLS LAST, segment
"""


def moves(_: Schema) -> str:
    """Pairs of segments between the last two states."""
    return """
SELECT from_segment, from_name, to_segment, to_name, cause, COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER () AS share,
  CAST(MIN(from_as_of) AS DATE) AS from_as_of, CAST(MAX(as_of) AS DATE) AS as_of
FROM gold_movers
GROUP BY from_segment, from_name, to_segment, to_name, cause
ORDER BY customers DESC NULLS LAST, from_segment, to_segment, cause
"""


def flow(_: Schema) -> str:
    """Pairs of segments from day to day."""
    return """
SELECT from_as_of, as_of, from_segment, from_name, to_segment, to_name, COUNT(*) AS customers,
  CAST(SUM(is_other_model) AS BIGINT) AS of_another_model
FROM segment_moves
GROUP BY from_as_of, as_of, from_segment, from_name, to_segment, to_name
ORDER BY as_of, customers DESC NULLS LAST, from_segment, to_segment, from_as_of
"""


def revenue(schema: Schema) -> str:
    """Spend of each segment."""
    spend = f"f.{_role(schema, 'spend')}"
    basket = (
        f", SUM({spend}) / NULLIF(SUM(f.{_role(schema, 'purchases')}), 0) AS spend_per_purchase"
        if schema.roles.purchases
        else ""
    )
    return f"""
SELECT s.segment, s.segment_name, COUNT(*) AS customers, SUM({spend}) AS spend,
  SUM({spend}) / NULLIF(SUM(SUM({spend})) OVER (), 0) AS share_of_spend,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER () AS share_of_customers,
  AVG({spend}) AS mean_spend{basket}
FROM gold_segments AS s
JOIN gold_features AS f ON f.customer_id = s.customer_id
GROUP BY s.segment, s.segment_name
ORDER BY spend DESC NULLS LAST, s.segment
"""


def near(_: Schema) -> str:
    """Each segment and the next nearest."""
    near = f"CASE WHEN margin < {NEAR} THEN 1 ELSE 0 END"
    return f"""
SELECT segment, segment_name, runner_up, COUNT(*) AS customers,
  CAST(SUM({near}) AS BIGINT) AS near_the_border,
  CAST(SUM({near}) AS DOUBLE PRECISION) / COUNT(*) AS share_near, AVG(margin) AS mean_margin
FROM gold_segments
GROUP BY segment, segment_name, runner_up
ORDER BY near_the_border DESC NULLS LAST, segment, runner_up
"""


def campaign(_: Schema) -> str:
    """Each part of a campaign."""
    return """
SELECT campaign, outcome, level, segment, offer, contacted, held_out, profit, profit_low,
  profit_high, profit_per_contact, verdict
FROM campaign_profit
ORDER BY campaign, outcome, level, segment, offer
"""


def planned(_: Schema) -> str:
    """What becomes of customers, and why."""
    return """
SELECT campaign, CAST(campaign_day AS DATE) AS campaign_day, why, offer, channel,
  COUNT(*) AS customers, CAST(SUM(is_contacted) AS BIGINT) AS contacted,
  CAST(SUM(in_hold_out) AS BIGINT) AS held_out, SUM(cost) AS cost,
  SUM(expected_profit) AS expected_profit
FROM gold_campaign
GROUP BY campaign, campaign_day, why, offer, channel
ORDER BY campaign, customers DESC NULLS LAST, why, offer, channel
"""


def reasons(_: Schema) -> str:
    """Each reason for which there is no segment."""
    return """
SELECT reason, COUNT(*) AS source_rows,
  CAST(COUNT(*) AS DOUBLE PRECISION)
    / (SELECT COUNT(*) FROM gold_unsegmented) AS share_of_unsegmented
FROM rows_without_segment
GROUP BY reason
ORDER BY source_rows DESC NULLS LAST, reason
"""


def freshness(_: Schema) -> str:
    """Each table."""
    return """
SELECT table_name, row_count, as_of, artifact_version, recorded_at
FROM freshness
ORDER BY table_name
"""


def preferences(schema: Schema) -> str:
    """Each segment and product, or channel."""
    parts = [
        f"""
SELECT '{kind}' AS preference, s.segment, s.segment_name, s.{kind} AS preferred,
  COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER (PARTITION BY s.segment) AS share,
  CAST(SUM(COUNT(*)) OVER (PARTITION BY s.{kind}) AS DOUBLE PRECISION)
    / SUM(COUNT(*)) OVER () AS share_of_all
FROM gold_segments AS s
GROUP BY s.segment, s.segment_name, s.{kind}
"""
        for kind in ("product", "channel")
        if kind in schema.decisions
    ]
    return f"""
SELECT preference, segment, segment_name, preferred, customers, share, share_of_all
FROM ({" UNION ALL ".join(parts)}) AS preferences
ORDER BY preference, segment, customers DESC NULLS LAST, preferred
"""


def traits(_: Schema) -> str:
    """The measures that set segments apart."""
    return f"""
SELECT segment, segment_name, customers, share, measure, mean, base_mean, "index", place
FROM (
  SELECT p.*, ROW_NUMBER() OVER (
    PARTITION BY p.segment ORDER BY ABS(p."index" - 100) DESC NULLS LAST, p.measure) AS place
  FROM gold_segment_profiles AS p
  WHERE p."index" IS NOT NULL
) AS traits
WHERE place <= {TRAITS}
ORDER BY segment, place
"""


def offers(_: Schema) -> str:
    """Each segment and offer."""
    return """
SELECT segment, segment_name, offer, COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER (PARTITION BY segment) AS share
FROM gold_segments
GROUP BY segment, segment_name, offer
ORDER BY segment, customers DESC NULLS LAST, offer
"""


def lifetime(_: Schema) -> str:
    """What each segment is expected to be worth."""
    return """
SELECT s.segment, s.segment_name, COUNT(*) AS customers, AVG(v.probability_alive)
  AS mean_probability_alive, SUM(v.expected_purchases) AS expected_purchases,
  SUM(v.lifetime_value) AS lifetime_value, AVG(v.lifetime_value) AS mean_lifetime_value
FROM gold_segments AS s
JOIN gold_lifetime_value AS v ON v.customer_id = s.customer_id
GROUP BY s.segment, s.segment_name
ORDER BY lifetime_value DESC NULLS LAST, s.segment
"""
