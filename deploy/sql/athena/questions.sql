-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

-- affluent_likely_spenders: Who is affluent and likely to spend?
-- One row a customer of the affluent whose likelihood to spend is 80 or above.
SELECT
  s.customer_id,
  s.segment_name,
  s.likely_to_spend,
  f."income" AS income,
  f."spend_total" AS spend,
  s.offer,
  s.product,
  s.channel,
  s.margin
FROM gold_segments AS s
JOIN gold_features AS f
  ON f.customer_id = s.customer_id
WHERE
  s.affluence_tier = 'affluent' AND s.likely_to_spend >= 80
ORDER BY
  s.likely_to_spend DESC,
  s.customer_id;

-- waits_for_offers: Who waits for offers, and by how much?
-- One row a segment: the share that waits, and its purchases with a discount beside others'.
SELECT
  s.segment,
  s.segment_name,
  COUNT(*) AS customers,
  CAST(SUM(CASE WHEN s.waits_for_offers = 'yes' THEN 1 ELSE 0 END) AS BIGINT) AS waiting,
  CAST(SUM(CASE WHEN s.waits_for_offers = 'yes' THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS share_waiting,
  AVG(CASE WHEN s.waits_for_offers = 'yes' THEN f."deal_share" END) AS deal_share_waiting,
  AVG(CASE WHEN s.waits_for_offers = 'yes' THEN NULL ELSE f."deal_share" END) AS deal_share_others,
  AVG(CASE WHEN s.waits_for_offers = 'yes' THEN f."purchases_deals" END) AS deals_waiting,
  AVG(CASE WHEN s.waits_for_offers = 'yes' THEN NULL ELSE f."purchases_deals" END) AS deals_others
FROM gold_segments AS s
JOIN gold_features AS f
  ON f.customer_id = s.customer_id
GROUP BY
  s.segment,
  s.segment_name
ORDER BY
  share_waiting DESC,
  s.segment;

-- offers_by_segment: What is offered to whom?
-- One row a segment and offer.
SELECT
  segment,
  segment_name,
  offer,
  COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER (PARTITION BY segment) AS share
FROM gold_segments
GROUP BY
  segment,
  segment_name,
  offer
ORDER BY
  segment,
  customers DESC,
  offer;

-- segment_sizes: How large is each segment, and how has that changed?
-- One row a day and segment.
WITH segment_days AS (
  SELECT
    told.customer_id,
    CAST(told.as_of AS DATE) AS as_of,
    told.segment,
    told.segment_name,
    told.runner_up,
    told.margin,
    told.artifact_version,
    told.run_id,
    told.recorded_at
  FROM gold_history AS told
  JOIN (
    SELECT
      as_of,
      MAX(recorded_at) AS recorded_at
    FROM gold_history
    WHERE
      run_id NOT LIKE 'stream-%'
    GROUP BY
      as_of
  ) AS whole
    ON whole.as_of = told.as_of AND told.recorded_at >= whole.recorded_at
  LEFT JOIN (
    SELECT
      one.customer_id,
      one.as_of,
      MAX(one.recorded_at) AS recorded_at
    FROM gold_history AS one
    JOIN (
      SELECT
        as_of,
        MAX(recorded_at) AS recorded_at
      FROM gold_history
      WHERE
        run_id NOT LIKE 'stream-%'
      GROUP BY
        as_of
    ) AS whole
      ON whole.as_of = one.as_of AND one.recorded_at > whole.recorded_at
    GROUP BY
      one.customer_id,
      one.as_of
  ) AS later
    ON later.customer_id = told.customer_id AND later.as_of = told.as_of
  WHERE
    told.recorded_at = COALESCE(later.recorded_at, whole.recorded_at)
    AND told.segment <> 'left'
), segment_sizes AS (
  SELECT
    as_of,
    segment,
    segment_name,
    COUNT(*) AS customers,
    CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER (PARTITION BY as_of) AS share
  FROM segment_days
  GROUP BY
    as_of,
    segment,
    segment_name
)
SELECT
  as_of,
  segment,
  segment_name,
  customers,
  share
FROM segment_sizes
ORDER BY
  as_of,
  customers DESC,
  segment;

-- moves: Who moved since the state before, and why?
-- One row a pair of segments and cause; gold_movers has the customers.
SELECT
  from_segment,
  from_name,
  to_segment,
  to_name,
  cause,
  COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share,
  CAST(MIN(from_as_of) AS DATE) AS from_as_of,
  CAST(MAX(as_of) AS DATE) AS as_of
FROM gold_movers
GROUP BY
  from_segment,
  from_name,
  to_segment,
  to_name,
  cause
ORDER BY
  customers DESC,
  from_segment,
  to_segment,
  cause;

-- segment_flow: Where did customers move, day by day?
-- One row a day and pair of segments, of the whole history.
WITH segment_days AS (
  SELECT
    told.customer_id,
    CAST(told.as_of AS DATE) AS as_of,
    told.segment,
    told.segment_name,
    told.runner_up,
    told.margin,
    told.artifact_version,
    told.run_id,
    told.recorded_at
  FROM gold_history AS told
  JOIN (
    SELECT
      as_of,
      MAX(recorded_at) AS recorded_at
    FROM gold_history
    WHERE
      run_id NOT LIKE 'stream-%'
    GROUP BY
      as_of
  ) AS whole
    ON whole.as_of = told.as_of AND told.recorded_at >= whole.recorded_at
  LEFT JOIN (
    SELECT
      one.customer_id,
      one.as_of,
      MAX(one.recorded_at) AS recorded_at
    FROM gold_history AS one
    JOIN (
      SELECT
        as_of,
        MAX(recorded_at) AS recorded_at
      FROM gold_history
      WHERE
        run_id NOT LIKE 'stream-%'
      GROUP BY
        as_of
    ) AS whole
      ON whole.as_of = one.as_of AND one.recorded_at > whole.recorded_at
    GROUP BY
      one.customer_id,
      one.as_of
  ) AS later
    ON later.customer_id = told.customer_id AND later.as_of = told.as_of
  WHERE
    told.recorded_at = COALESCE(later.recorded_at, whole.recorded_at)
    AND told.segment <> 'left'
), segment_moves AS (
  SELECT
    later.customer_id,
    days.from_as_of,
    later.as_of,
    earlier.segment AS from_segment,
    earlier.segment_name AS from_name,
    later.segment AS to_segment,
    later.segment_name AS to_name,
    CASE WHEN earlier.artifact_version = later.artifact_version THEN 0 ELSE 1 END AS is_other_model
  FROM segment_days AS later
  JOIN (
    SELECT
      as_of,
      LAG(as_of) OVER (ORDER BY as_of) AS from_as_of
    FROM (
      SELECT DISTINCT
        CAST(as_of AS DATE) AS as_of
      FROM gold_history
      WHERE
        run_id NOT LIKE 'stream-%'
    ) AS told
  ) AS days
    ON days.as_of = later.as_of
  JOIN segment_days AS earlier
    ON earlier.customer_id = later.customer_id AND earlier.as_of = days.from_as_of
  WHERE
    earlier.segment <> later.segment
)
SELECT
  from_as_of,
  as_of,
  from_segment,
  from_name,
  to_segment,
  to_name,
  COUNT(*) AS customers,
  CAST(SUM(is_other_model) AS BIGINT) AS of_another_model
FROM segment_moves
GROUP BY
  from_as_of,
  as_of,
  from_segment,
  from_name,
  to_segment,
  to_name
ORDER BY
  as_of,
  customers DESC,
  from_segment,
  to_segment,
  from_as_of;

-- revenue_by_segment: What does each segment bring?
-- One row a segment: spend, its share, and the mean.
SELECT
  s.segment,
  s.segment_name,
  COUNT(*) AS customers,
  SUM(f."spend_total") AS spend,
  SUM(f."spend_total") / NULLIF(SUM(SUM(f."spend_total")) OVER (), 0) AS share_of_spend,
  CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share_of_customers,
  AVG(f."spend_total") AS mean_spend,
  SUM(f."spend_total") / NULLIF(SUM(f."purchases_total"), 0) AS spend_per_purchase
FROM gold_segments AS s
JOIN gold_features AS f
  ON f.customer_id = s.customer_id
GROUP BY
  s.segment,
  s.segment_name
ORDER BY
  spend DESC,
  s.segment;

-- near_the_border: Who is near the border of another segment?
-- One row a segment and the next nearest: those with a margin below 0.1.
SELECT
  segment,
  segment_name,
  runner_up,
  COUNT(*) AS customers,
  CAST(SUM(CASE WHEN margin < 0.1 THEN 1 ELSE 0 END) AS BIGINT) AS near_the_border,
  CAST(SUM(CASE WHEN margin < 0.1 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS share_near,
  AVG(margin) AS mean_margin
FROM gold_segments
GROUP BY
  segment,
  segment_name,
  runner_up
ORDER BY
  near_the_border DESC,
  segment,
  runner_up;

-- segment_traits: What sets a segment apart?
-- One row a segment and measure: the 5 that are farthest from the base's mean.
SELECT
  segment,
  segment_name,
  customers,
  share,
  measure,
  mean,
  base_mean,
  "index",
  place
FROM (
  SELECT
    p.*,
    ROW_NUMBER() OVER (PARTITION BY p.segment ORDER BY ABS(p."index" - 100) DESC, p.measure) AS place
  FROM gold_segment_profiles AS p
  WHERE
    p."index" IS NOT NULL
) AS traits
WHERE
  place <= 5
ORDER BY
  segment,
  place;

-- preferences: What does a segment prefer, in product and channel?
-- One row a segment and product or channel, with its share beside that of all.
SELECT
  preference,
  segment,
  segment_name,
  preferred,
  customers,
  share,
  share_of_all
FROM (
  SELECT
    'product' AS preference,
    s.segment,
    s.segment_name,
    s.product AS preferred,
    COUNT(*) AS customers,
    CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER (PARTITION BY s.segment) AS share,
    CAST(SUM(COUNT(*)) OVER (PARTITION BY s.product) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share_of_all
  FROM gold_segments AS s
  GROUP BY
    s.segment,
    s.segment_name,
    s.product
  UNION ALL
  SELECT
    'channel' AS preference,
    s.segment,
    s.segment_name,
    s.channel AS preferred,
    COUNT(*) AS customers,
    CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER (PARTITION BY s.segment) AS share,
    CAST(SUM(COUNT(*)) OVER (PARTITION BY s.channel) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share_of_all
  FROM gold_segments AS s
  GROUP BY
    s.segment,
    s.segment_name,
    s.channel
) AS preferences
ORDER BY
  preference,
  segment,
  customers DESC,
  preferred;

-- campaign_plan: Whom does the campaign contact, and why not the others?
-- One row a reason, offer and channel.
SELECT
  campaign,
  CAST(campaign_day AS DATE) AS campaign_day,
  why,
  offer,
  channel,
  COUNT(*) AS customers,
  CAST(SUM(is_contacted) AS BIGINT) AS contacted,
  CAST(SUM(in_hold_out) AS BIGINT) AS held_out,
  SUM(cost) AS cost,
  SUM(expected_profit) AS expected_profit
FROM gold_campaign
GROUP BY
  campaign,
  campaign_day,
  why,
  offer,
  channel
ORDER BY
  campaign,
  customers DESC,
  why,
  offer,
  channel;

-- campaign_profit: What did the campaign bring, by segment and offer?
-- One row an outcome and part: profit, its 95 % interval, and what that allows to say.
WITH campaign_profit AS (
  SELECT
    campaign,
    outcome,
    level,
    segment,
    offer,
    contacted,
    held_out,
    mean_contacted,
    mean_held_out,
    incremental,
    low,
    high,
    cost,
    profit,
    profit_low,
    profit_high,
    profit / NULLIF(contacted, 0) AS profit_per_contact,
    verdict
  FROM gold_campaign_results
)
SELECT
  campaign,
  outcome,
  level,
  segment,
  offer,
  contacted,
  held_out,
  profit,
  profit_low,
  profit_high,
  profit_per_contact,
  verdict
FROM campaign_profit
ORDER BY
  campaign,
  outcome,
  level,
  segment,
  offer;

-- without_segment: Who has no segment, and for which reasons?
-- One row a reason; a row of the source may have several.
WITH rows_without_segment AS (
  SELECT
    u.customer_id,
    u.row_number,
    CAST(u.as_of AS DATE) AS as_of,
    SPLIT_PART(u.reasons, '; ', places.place) AS reason
  FROM gold_unsegmented AS u
  CROSS JOIN (
    SELECT
      1 + 1 * n0 + 4 * n1 + 16 * n2 AS place
    FROM (VALUES
      (0),
      (1),
      (2),
      (3)) AS d0(n0)
    CROSS JOIN (VALUES
      (0),
      (1),
      (2),
      (3)) AS d1(n1)
    CROSS JOIN (VALUES
      (0),
      (1),
      (2),
      (3)) AS d2(n2)
  ) AS places
  WHERE
    SPLIT_PART(u.reasons, '; ', places.place) <> ''
)
SELECT
  reason,
  COUNT(*) AS source_rows,
  CAST(COUNT(*) AS DOUBLE) / (
    SELECT
      COUNT(*)
    FROM gold_unsegmented
  ) AS share_of_unsegmented
FROM rows_without_segment
GROUP BY
  reason
ORDER BY
  source_rows DESC,
  reason;

-- freshness: How fresh is each table?
-- One row a gold table that is of a day: its rows, its last day, and the model.
WITH freshness AS (
  SELECT
    'gold_segments' AS table_name,
    COUNT(*) AS row_count,
    CAST(MAX(as_of) AS DATE) AS as_of,
    CAST(MAX(artifact_version) AS VARCHAR) AS artifact_version,
    CAST(NULL AS VARCHAR) AS recorded_at
  FROM gold_segments
  UNION ALL
  SELECT
    'gold_features' AS table_name,
    COUNT(*) AS row_count,
    CAST(MAX(as_of) AS DATE) AS as_of,
    CAST(NULL AS VARCHAR) AS artifact_version,
    CAST(NULL AS VARCHAR) AS recorded_at
  FROM gold_features
  UNION ALL
  SELECT
    'gold_unsegmented' AS table_name,
    COUNT(*) AS row_count,
    CAST(MAX(as_of) AS DATE) AS as_of,
    CAST(MAX(artifact_version) AS VARCHAR) AS artifact_version,
    CAST(NULL AS VARCHAR) AS recorded_at
  FROM gold_unsegmented
  UNION ALL
  SELECT
    'gold_lifetime_value' AS table_name,
    COUNT(*) AS row_count,
    CAST(MAX(as_of) AS DATE) AS as_of,
    CAST(NULL AS VARCHAR) AS artifact_version,
    CAST(NULL AS VARCHAR) AS recorded_at
  FROM gold_lifetime_value
  UNION ALL
  SELECT
    'gold_movers' AS table_name,
    COUNT(*) AS row_count,
    CAST(MAX(as_of) AS DATE) AS as_of,
    CAST(MAX(artifact_version) AS VARCHAR) AS artifact_version,
    CAST(NULL AS VARCHAR) AS recorded_at
  FROM gold_movers
  UNION ALL
  SELECT
    'gold_campaign' AS table_name,
    COUNT(*) AS row_count,
    CAST(MAX(as_of) AS DATE) AS as_of,
    CAST(MAX(artifact_version) AS VARCHAR) AS artifact_version,
    CAST(NULL AS VARCHAR) AS recorded_at
  FROM gold_campaign
  UNION ALL
  SELECT
    'gold_history',
    COUNT(*),
    CAST(MAX(as_of) AS DATE),
    CAST(NULL AS VARCHAR),
    MAX(recorded_at)
  FROM gold_history
  UNION ALL
  SELECT
    'gold_moves',
    COUNT(*),
    CAST(MAX(as_of) AS DATE),
    CAST(NULL AS VARCHAR),
    MAX(recorded_at)
  FROM gold_moves
)
SELECT
  table_name,
  row_count,
  as_of,
  artifact_version,
  recorded_at
FROM freshness
ORDER BY
  table_name;
-- lifetime_value_by_segment: not answered, since the schema declares no orders.lifetime.
