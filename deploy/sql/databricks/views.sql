-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

CREATE OR REPLACE VIEW gold.customer_profile COMMENT 'One row a customer with a segment: segment, decisions and all that is known of them' AS
SELECT
  s.`customer_id`,
  CAST(s.as_of AS DATE) AS as_of,
  s.`segment`,
  s.`segment_name`,
  s.`segment_id`,
  s.`runner_up`,
  s.`margin`,
  s.`affluence_tier`,
  s.`waits_for_offers`,
  s.`likely_to_spend`,
  s.`product`,
  s.`channel`,
  s.`offer`,
  s.`artifact_version`,
  f.`year_birth`,
  CASE f.`education`
    WHEN 0
    THEN 'basic'
    WHEN 1
    THEN 'graduation'
    WHEN 2
    THEN 'second_cycle'
    WHEN 3
    THEN 'master'
    WHEN 4
    THEN 'phd'
  END AS `education`,
  CASE f.`marital_status`
    WHEN 0
    THEN 'single'
    WHEN 1
    THEN 'together'
    WHEN 2
    THEN 'married'
    WHEN 3
    THEN 'divorced'
    WHEN 4
    THEN 'widow'
  END AS `marital_status`,
  f.`income`,
  f.`kids_home`,
  f.`teens_home`,
  f.`enrolled_year`,
  f.`enrolled_day`,
  f.`recency_days`,
  f.`spend_wines`,
  f.`spend_fruits`,
  f.`spend_meat`,
  f.`spend_fish`,
  f.`spend_sweets`,
  f.`spend_gold`,
  f.`purchases_deals`,
  f.`purchases_web`,
  f.`purchases_catalog`,
  f.`purchases_store`,
  f.`web_visits_month`,
  f.`accepted_campaign_1`,
  f.`accepted_campaign_2`,
  f.`accepted_campaign_3`,
  f.`accepted_campaign_4`,
  f.`accepted_campaign_5`,
  f.`responded`,
  f.`complained`,
  f.`as_of_year`,
  f.`as_of_day`,
  f.`education_basic`,
  f.`education_graduation`,
  f.`education_second_cycle`,
  f.`education_master`,
  f.`education_phd`,
  f.`marital_status_single`,
  f.`marital_status_together`,
  f.`marital_status_married`,
  f.`marital_status_divorced`,
  f.`marital_status_widow`,
  f.`age`,
  f.`tenure_days`,
  f.`children`,
  f.`partnered`,
  f.`household_size`,
  f.`spend_total`,
  f.`spend_share_wines`,
  f.`spend_share_fruits`,
  f.`spend_share_meat`,
  f.`spend_share_fish`,
  f.`spend_share_sweets`,
  f.`spend_share_gold`,
  f.`spend_to_income`,
  f.`purchases_total`,
  f.`purchase_share_web`,
  f.`purchase_share_catalog`,
  f.`purchase_share_store`,
  f.`deal_share`,
  f.`average_basket`,
  f.`campaigns_accepted`
FROM gold.segments AS s
JOIN gold.features AS f
  ON f.customer_id = s.customer_id;

CREATE OR REPLACE VIEW gold.current_segments COMMENT 'One row a segment now: customers, share, and how many have a margin below 0.1' AS
SELECT
  segment,
  segment_name,
  CAST(MAX(as_of) AS DATE) AS as_of,
  COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share,
  AVG(margin) AS mean_margin,
  CAST(SUM(CASE WHEN margin < 0.1 THEN 1 ELSE 0 END) AS BIGINT) AS near_the_border
FROM gold.segments
GROUP BY
  segment,
  segment_name;

CREATE OR REPLACE VIEW gold.segment_days COMMENT 'One row a customer and day: where they were, as was said last of that day' AS
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
FROM gold.history AS told
JOIN (
  SELECT
    as_of,
    MAX(recorded_at) AS recorded_at
  FROM gold.history
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
  FROM gold.history AS one
  JOIN (
    SELECT
      as_of,
      MAX(recorded_at) AS recorded_at
    FROM gold.history
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
  AND told.segment <> 'left';

CREATE OR REPLACE VIEW gold.segment_sizes COMMENT 'One row a day and segment: customers and share of all with a segment' AS
SELECT
  as_of,
  segment,
  segment_name,
  COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER (PARTITION BY as_of) AS share
FROM gold.segment_days
GROUP BY
  as_of,
  segment,
  segment_name;

CREATE OR REPLACE VIEW gold.segment_moves COMMENT 'One row a customer who is elsewhere than on the day before that the history tells of' AS
SELECT
  later.customer_id,
  days.from_as_of,
  later.as_of,
  earlier.segment AS from_segment,
  earlier.segment_name AS from_name,
  later.segment AS to_segment,
  later.segment_name AS to_name,
  CASE WHEN earlier.artifact_version = later.artifact_version THEN 0 ELSE 1 END AS is_other_model
FROM gold.segment_days AS later
JOIN (
  SELECT
    as_of,
    LAG(as_of) OVER (ORDER BY as_of NULLS LAST) AS from_as_of
  FROM (
    SELECT DISTINCT
      CAST(as_of AS DATE) AS as_of
    FROM gold.history
    WHERE
      run_id NOT LIKE 'stream-%'
  ) AS told
) AS days
  ON days.as_of = later.as_of
JOIN gold.segment_days AS earlier
  ON earlier.customer_id = later.customer_id AND earlier.as_of = days.from_as_of
WHERE
  earlier.segment <> later.segment;

CREATE OR REPLACE VIEW gold.campaign_profit COMMENT 'One row an outcome and part of a campaign: what it brought, and the interval' AS
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
FROM gold.campaign_results;

CREATE OR REPLACE VIEW gold.rows_without_segment COMMENT 'One row a row of the source and reason for which it has no segment' AS
SELECT
  u.customer_id,
  u.row_number,
  CAST(u.as_of AS DATE) AS as_of,
  SPLIT_PART(u.reasons, '; ', places.place) AS reason
FROM gold.unsegmented AS u
CROSS JOIN (
  SELECT
    1 + 1 * n0 + 4 * n1 + 16 * n2 AS place
  FROM VALUES
    (0),
    (1),
    (2),
    (3) AS d0(n0)
  CROSS JOIN VALUES
    (0),
    (1),
    (2),
    (3) AS d1(n1)
  CROSS JOIN VALUES
    (0),
    (1),
    (2),
    (3) AS d2(n2)
) AS places
WHERE
  SPLIT_PART(u.reasons, '; ', places.place) <> '';

CREATE OR REPLACE VIEW gold.freshness COMMENT 'One row a gold table that is of a day: its rows and its last day' AS
SELECT
  'gold_segments' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS STRING) AS artifact_version,
  CAST(NULL AS STRING) AS recorded_at
FROM gold.segments
UNION ALL
SELECT
  'gold_features' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(NULL AS STRING) AS artifact_version,
  CAST(NULL AS STRING) AS recorded_at
FROM gold.features
UNION ALL
SELECT
  'gold_unsegmented' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS STRING) AS artifact_version,
  CAST(NULL AS STRING) AS recorded_at
FROM gold.unsegmented
UNION ALL
SELECT
  'gold_lifetime_value' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(NULL AS STRING) AS artifact_version,
  CAST(NULL AS STRING) AS recorded_at
FROM gold.lifetime_value
UNION ALL
SELECT
  'gold_movers' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS STRING) AS artifact_version,
  CAST(NULL AS STRING) AS recorded_at
FROM gold.movers
UNION ALL
SELECT
  'gold_campaign' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS STRING) AS artifact_version,
  CAST(NULL AS STRING) AS recorded_at
FROM gold.campaign
UNION ALL
SELECT
  'gold_history',
  COUNT(*),
  CAST(MAX(as_of) AS DATE),
  CAST(NULL AS STRING),
  MAX(recorded_at)
FROM gold.history
UNION ALL
SELECT
  'gold_moves',
  COUNT(*),
  CAST(MAX(as_of) AS DATE),
  CAST(NULL AS STRING),
  MAX(recorded_at)
FROM gold.moves;
