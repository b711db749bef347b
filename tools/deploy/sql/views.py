"""Views for analysts over the gold tables, written once for every dialect."""

# ruff: noqa: S608 - what is put into queries are names and numbers of the schema and the code

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log

from sqlglot import exp

from customer_segmentation.customers.rules import SEPARATOR
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import gold_tables
from customer_segmentation.tables.history import LEFT, STREAM
from tools.deploy.project import schema as chosen_schema
from tools.deploy.sql.dialects import Dialect, parsed, transpiled

# Columns of gold_features that the view has of gold_segments, or that are nobody's business.
_NOT_KNOWN = {"customer_id", "as_of", "sample_key"}
_STAMPED = ("segments", "features", "unsegmented", "lifetime_value", "movers", "campaign")
# Below it a customer is near a border.
NEAR = 0.1


@dataclass(frozen=True)
class View:
    """A view.

    Attributes:
        name: In the catalog.
        about: What a row is, in one sentence without a full stop.
        text: Its query over gold tables and earlier views, as PostgreSQL has it.
    """

    name: str
    about: str
    text: str

    @cached_property
    def query(self) -> exp.Query:
        """The same, parsed."""
        return parsed(self.text)

    @property
    def columns(self) -> list[str]:
        """Its columns in their order."""
        return self.query.named_selects

    def sql(self, dialect: Dialect) -> str:
        """The query in a dialect."""
        return transpiled(self.query, dialect)


_WHOLE = f"""
(
  SELECT as_of, MAX(recorded_at) AS recorded_at
  FROM gold_history WHERE run_id NOT LIKE '{STREAM}%' GROUP BY as_of
) AS whole
"""
# A day counts where a whole statement was made of it; what streams said of it later stands. Few
# rows are of streams, and joins to them take less than a window over all.
_SEGMENT_DAYS = f"""
SELECT told.customer_id, CAST(told.as_of AS DATE) AS as_of, told.segment, told.segment_name,
  told.runner_up, told.margin, told.artifact_version, told.run_id, told.recorded_at
FROM gold_history AS told
JOIN {_WHOLE} ON whole.as_of = told.as_of AND told.recorded_at >= whole.recorded_at
LEFT JOIN (
  SELECT one.customer_id, one.as_of, MAX(one.recorded_at) AS recorded_at
  FROM gold_history AS one
  JOIN {_WHOLE} ON whole.as_of = one.as_of AND one.recorded_at > whole.recorded_at
  GROUP BY one.customer_id, one.as_of
) AS later ON later.customer_id = told.customer_id AND later.as_of = told.as_of
WHERE told.recorded_at = COALESCE(later.recorded_at, whole.recorded_at)
  AND told.segment <> '{LEFT}'
"""
_SEGMENT_SIZES = """
SELECT as_of, segment, segment_name, COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER (PARTITION BY as_of) AS share
FROM segment_days
GROUP BY as_of, segment, segment_name
"""
_SEGMENT_MOVES = f"""
SELECT later.customer_id, days.from_as_of, later.as_of, earlier.segment AS from_segment,
  earlier.segment_name AS from_name, later.segment AS to_segment,
  later.segment_name AS to_name,
  CASE WHEN earlier.artifact_version = later.artifact_version THEN 0 ELSE 1 END AS is_other_model
FROM segment_days AS later
JOIN (
  SELECT as_of, LAG(as_of) OVER (ORDER BY as_of NULLS LAST) AS from_as_of
  FROM (
    SELECT DISTINCT CAST(as_of AS DATE) AS as_of FROM gold_history
    WHERE run_id NOT LIKE '{STREAM}%'
  ) AS told
) AS days ON days.as_of = later.as_of
JOIN segment_days AS earlier
  ON earlier.customer_id = later.customer_id AND earlier.as_of = days.from_as_of
WHERE earlier.segment <> later.segment
"""
_CURRENT_SEGMENTS = f"""
SELECT segment, segment_name, CAST(MAX(as_of) AS DATE) AS as_of, COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER () AS share, AVG(margin) AS mean_margin,
  CAST(SUM(CASE WHEN margin < {NEAR} THEN 1 ELSE 0 END) AS BIGINT) AS near_the_border
FROM gold_segments
GROUP BY segment, segment_name
"""
_CAMPAIGN_PROFIT = """
SELECT campaign, outcome, level, segment, offer, contacted, held_out,
  mean_contacted, mean_held_out, incremental, low, high, cost, profit, profit_low, profit_high,
  profit / NULLIF(contacted, 0) AS profit_per_contact, verdict
FROM gold_campaign_results
"""


def views(schema: Schema | None = None) -> tuple[View, ...]:
    """The views, each after those that it reads, of a schema's customers.

    Args:
        schema: The checkout's without one.
    """
    schema = schema or chosen_schema()
    return (
        View(
            "customer_profile",
            "One row a customer with a segment: segment, decisions and all that is known of them",
            _profile(schema),
        ),
        View(
            "current_segments",
            f"One row a segment now: customers, share, and how many have a margin below {NEAR}",
            _CURRENT_SEGMENTS,
        ),
        View(
            "segment_days",
            "One row a customer and day: where they were, as was said last of that day",
            _SEGMENT_DAYS,
        ),
        View(
            "segment_sizes",
            "One row a day and segment: customers and share of all with a segment",
            _SEGMENT_SIZES,
        ),
        View(
            "segment_moves",
            "One row a customer who is elsewhere than on the day before that the history tells of",
            _SEGMENT_MOVES,
        ),
        View(
            "campaign_profit",
            "One row an outcome and part of a campaign: what it brought, and the interval",
            _CAMPAIGN_PROFIT,
        ),
        View(
            "rows_without_segment",
            "One row a row of the source and reason for which it has no segment",
            _reasons(schema),
        ),
        View(
            "freshness",
            "One row a gold table that is of a day: its rows and its last day",
            _freshness(schema),
        ),
    )


def quoted(name: str) -> str:
    """A column that a schema names, which may be a word of SQL."""
    return f'"{name}"'


def _profile(schema: Schema) -> str:
    tables = gold_tables(schema)
    of_segments = [column.name for column in tables["gold_segments"].columns]
    selected = [
        f"CAST(s.{name} AS DATE) AS {name}" if name == "as_of" else f"s.{quoted(name)}"
        for name in of_segments
    ]
    known = _NOT_KNOWN | {*of_segments}
    selected += [
        _known(schema, column.name)
        for column in tables["gold_features"].columns
        if column.name not in known
    ]
    joined = "JOIN gold_features AS f ON f.customer_id = s.customer_id"
    if schema.lifetime:
        selected += [
            f"v.{quoted(column.name)}"
            for column in tables["gold_lifetime_value"].columns
            if column.name not in _NOT_KNOWN
        ]
        joined += " LEFT JOIN gold_lifetime_value AS v ON v.customer_id = s.customer_id"
    return f"SELECT {', '.join(selected)} FROM gold_segments AS s {joined}"


def _known(schema: Schema, name: str) -> str:
    """A column of gold_features, a category in its own words in place of its code."""
    column = schema.columns.get(name)
    if not column or not column.categories:
        return f"f.{quoted(name)}"
    words = " ".join(
        f"WHEN {code} THEN {exp.Literal.string(word).sql('postgres')}"
        for code, word in enumerate(column.categories)
    )
    return f"CASE f.{quoted(name)} {words} END AS {quoted(name)}"


def _reasons(schema: Schema) -> str:
    """Reasons taken apart by their places: not every dialect makes rows of a list alike."""
    columns = {*schema.columns, *schema.rows.columns}
    # A column may have two reasons.
    digits = range(ceil(log(2 * len(columns), 4)))
    numbers = " CROSS JOIN ".join(
        f"(VALUES (0), (1), (2), (3)) AS d{digit}(n{digit})" for digit in digits
    )
    place = " + ".join(f"{4**digit} * n{digit}" for digit in digits)
    return f"""
SELECT u.customer_id, u.row_number, CAST(u.as_of AS DATE) AS as_of,
  SPLIT_PART(u.reasons, '{SEPARATOR}', places.place) AS reason
FROM gold_unsegmented AS u
CROSS JOIN (SELECT 1 + {place} AS place FROM {numbers}) AS places
WHERE SPLIT_PART(u.reasons, '{SEPARATOR}', places.place) <> ''
"""


def _freshness(schema: Schema) -> str:
    tables = gold_tables(schema)

    def parts() -> Iterator[str]:
        for name in ("gold_" + one for one in _STAMPED):
            columns = {column.name for column in tables[name].columns}
            version = "MAX(artifact_version)" if "artifact_version" in columns else "NULL"
            yield (
                f"SELECT '{name}' AS table_name, COUNT(*) AS row_count, "
                f"CAST(MAX(as_of) AS DATE) AS as_of, CAST({version} AS TEXT) AS artifact_version, "
                f"CAST(NULL AS TEXT) AS recorded_at FROM {name}"
            )
        for name in ("gold_history", "gold_moves"):
            yield (
                f"SELECT '{name}', COUNT(*), CAST(MAX(as_of) AS DATE), "
                f"CAST(NULL AS TEXT), MAX(recorded_at) FROM {name}"
            )

    return " UNION ALL ".join(parts())
