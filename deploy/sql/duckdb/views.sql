-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

SET VARIABLE data = COALESCE(getvariable('data'), 'data');

SET VARIABLE gold_features = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/features.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/features.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_features AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("sample_key" AS BIGINT) AS "sample_key",
  CAST("year_birth" AS DOUBLE) AS "year_birth",
  CAST("education" AS DOUBLE) AS "education",
  CAST("marital_status" AS DOUBLE) AS "marital_status",
  CAST("income" AS DOUBLE) AS "income",
  CAST("kids_home" AS DOUBLE) AS "kids_home",
  CAST("teens_home" AS DOUBLE) AS "teens_home",
  CAST("enrolled_year" AS DOUBLE) AS "enrolled_year",
  CAST("enrolled_day" AS DOUBLE) AS "enrolled_day",
  CAST("recency_days" AS DOUBLE) AS "recency_days",
  CAST("spend_wines" AS DOUBLE) AS "spend_wines",
  CAST("spend_fruits" AS DOUBLE) AS "spend_fruits",
  CAST("spend_meat" AS DOUBLE) AS "spend_meat",
  CAST("spend_fish" AS DOUBLE) AS "spend_fish",
  CAST("spend_sweets" AS DOUBLE) AS "spend_sweets",
  CAST("spend_gold" AS DOUBLE) AS "spend_gold",
  CAST("purchases_deals" AS DOUBLE) AS "purchases_deals",
  CAST("purchases_web" AS DOUBLE) AS "purchases_web",
  CAST("purchases_catalog" AS DOUBLE) AS "purchases_catalog",
  CAST("purchases_store" AS DOUBLE) AS "purchases_store",
  CAST("web_visits_month" AS DOUBLE) AS "web_visits_month",
  CAST("accepted_campaign_1" AS DOUBLE) AS "accepted_campaign_1",
  CAST("accepted_campaign_2" AS DOUBLE) AS "accepted_campaign_2",
  CAST("accepted_campaign_3" AS DOUBLE) AS "accepted_campaign_3",
  CAST("accepted_campaign_4" AS DOUBLE) AS "accepted_campaign_4",
  CAST("accepted_campaign_5" AS DOUBLE) AS "accepted_campaign_5",
  CAST("responded" AS DOUBLE) AS "responded",
  CAST("complained" AS DOUBLE) AS "complained",
  CAST("as_of_year" AS DOUBLE) AS "as_of_year",
  CAST("as_of_day" AS DOUBLE) AS "as_of_day",
  CAST("education_basic" AS DOUBLE) AS "education_basic",
  CAST("education_graduation" AS DOUBLE) AS "education_graduation",
  CAST("education_second_cycle" AS DOUBLE) AS "education_second_cycle",
  CAST("education_master" AS DOUBLE) AS "education_master",
  CAST("education_phd" AS DOUBLE) AS "education_phd",
  CAST("marital_status_single" AS DOUBLE) AS "marital_status_single",
  CAST("marital_status_together" AS DOUBLE) AS "marital_status_together",
  CAST("marital_status_married" AS DOUBLE) AS "marital_status_married",
  CAST("marital_status_divorced" AS DOUBLE) AS "marital_status_divorced",
  CAST("marital_status_widow" AS DOUBLE) AS "marital_status_widow",
  CAST("age" AS DOUBLE) AS "age",
  CAST("tenure_days" AS DOUBLE) AS "tenure_days",
  CAST("children" AS DOUBLE) AS "children",
  CAST("partnered" AS DOUBLE) AS "partnered",
  CAST("household_size" AS DOUBLE) AS "household_size",
  CAST("spend_total" AS DOUBLE) AS "spend_total",
  CAST("spend_share_wines" AS DOUBLE) AS "spend_share_wines",
  CAST("spend_share_fruits" AS DOUBLE) AS "spend_share_fruits",
  CAST("spend_share_meat" AS DOUBLE) AS "spend_share_meat",
  CAST("spend_share_fish" AS DOUBLE) AS "spend_share_fish",
  CAST("spend_share_sweets" AS DOUBLE) AS "spend_share_sweets",
  CAST("spend_share_gold" AS DOUBLE) AS "spend_share_gold",
  CAST("spend_to_income" AS DOUBLE) AS "spend_to_income",
  CAST("purchases_total" AS DOUBLE) AS "purchases_total",
  CAST("purchase_share_web" AS DOUBLE) AS "purchase_share_web",
  CAST("purchase_share_catalog" AS DOUBLE) AS "purchase_share_catalog",
  CAST("purchase_share_store" AS DOUBLE) AS "purchase_share_store",
  CAST("deal_share" AS DOUBLE) AS "deal_share",
  CAST("average_basket" AS DOUBLE) AS "average_basket",
  CAST("campaigns_accepted" AS DOUBLE) AS "campaigns_accepted"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS BIGINT) AS "sample_key", CAST(NULL AS DOUBLE) AS "year_birth", CAST(NULL AS DOUBLE) AS "education", CAST(NULL AS DOUBLE) AS "marital_status", CAST(NULL AS DOUBLE) AS "income", CAST(NULL AS DOUBLE) AS "kids_home", CAST(NULL AS DOUBLE) AS "teens_home", CAST(NULL AS DOUBLE) AS "enrolled_year", CAST(NULL AS DOUBLE) AS "enrolled_day", CAST(NULL AS DOUBLE) AS "recency_days", CAST(NULL AS DOUBLE) AS "spend_wines", CAST(NULL AS DOUBLE) AS "spend_fruits", CAST(NULL AS DOUBLE) AS "spend_meat", CAST(NULL AS DOUBLE) AS "spend_fish", CAST(NULL AS DOUBLE) AS "spend_sweets", CAST(NULL AS DOUBLE) AS "spend_gold", CAST(NULL AS DOUBLE) AS "purchases_deals", CAST(NULL AS DOUBLE) AS "purchases_web", CAST(NULL AS DOUBLE) AS "purchases_catalog", CAST(NULL AS DOUBLE) AS "purchases_store", CAST(NULL AS DOUBLE) AS "web_visits_month", CAST(NULL AS DOUBLE) AS "accepted_campaign_1", CAST(NULL AS DOUBLE) AS "accepted_campaign_2", CAST(NULL AS DOUBLE) AS "accepted_campaign_3", CAST(NULL AS DOUBLE) AS "accepted_campaign_4", CAST(NULL AS DOUBLE) AS "accepted_campaign_5", CAST(NULL AS DOUBLE) AS "responded", CAST(NULL AS DOUBLE) AS "complained", CAST(NULL AS DOUBLE) AS "as_of_year", CAST(NULL AS DOUBLE) AS "as_of_day", CAST(NULL AS DOUBLE) AS "education_basic", CAST(NULL AS DOUBLE) AS "education_graduation", CAST(NULL AS DOUBLE) AS "education_second_cycle", CAST(NULL AS DOUBLE) AS "education_master", CAST(NULL AS DOUBLE) AS "education_phd", CAST(NULL AS DOUBLE) AS "marital_status_single", CAST(NULL AS DOUBLE) AS "marital_status_together", CAST(NULL AS DOUBLE) AS "marital_status_married", CAST(NULL AS DOUBLE) AS "marital_status_divorced", CAST(NULL AS DOUBLE) AS "marital_status_widow", CAST(NULL AS DOUBLE) AS "age", CAST(NULL AS DOUBLE) AS "tenure_days", CAST(NULL AS DOUBLE) AS "children", CAST(NULL AS DOUBLE) AS "partnered", CAST(NULL AS DOUBLE) AS "household_size", CAST(NULL AS DOUBLE) AS "spend_total", CAST(NULL AS DOUBLE) AS "spend_share_wines", CAST(NULL AS DOUBLE) AS "spend_share_fruits", CAST(NULL AS DOUBLE) AS "spend_share_meat", CAST(NULL AS DOUBLE) AS "spend_share_fish", CAST(NULL AS DOUBLE) AS "spend_share_sweets", CAST(NULL AS DOUBLE) AS "spend_share_gold", CAST(NULL AS DOUBLE) AS "spend_to_income", CAST(NULL AS DOUBLE) AS "purchases_total", CAST(NULL AS DOUBLE) AS "purchase_share_web", CAST(NULL AS DOUBLE) AS "purchase_share_catalog", CAST(NULL AS DOUBLE) AS "purchase_share_store", CAST(NULL AS DOUBLE) AS "deal_share", CAST(NULL AS DOUBLE) AS "average_basket", CAST(NULL AS DOUBLE) AS "campaigns_accepted" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_features')));
COMMENT ON VIEW gold_features IS 'One row a customer: what is known of them, as numbers, and features';
COMMENT ON COLUMN gold_features."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_features."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_features."sample_key" IS 'Number from the key by which samples are drawn';
COMMENT ON COLUMN gold_features."year_birth" IS 'Year of birth';
COMMENT ON COLUMN gold_features."education" IS 'Highest education; codes 0 to 4';
COMMENT ON COLUMN gold_features."marital_status" IS 'Marital status; codes 0 to 4';
COMMENT ON COLUMN gold_features."income" IS 'Yearly income of the household';
COMMENT ON COLUMN gold_features."kids_home" IS 'Small children in the household';
COMMENT ON COLUMN gold_features."teens_home" IS 'Teenagers in the household';
COMMENT ON COLUMN gold_features."enrolled_year" IS 'Day the customer enrolled: its year';
COMMENT ON COLUMN gold_features."enrolled_day" IS 'Day the customer enrolled: its day of the year';
COMMENT ON COLUMN gold_features."recency_days" IS 'Days since the last purchase';
COMMENT ON COLUMN gold_features."spend_wines" IS 'Spend on wines in two years';
COMMENT ON COLUMN gold_features."spend_fruits" IS 'Spend on fruits in two years';
COMMENT ON COLUMN gold_features."spend_meat" IS 'Spend on meat in two years';
COMMENT ON COLUMN gold_features."spend_fish" IS 'Spend on fish in two years';
COMMENT ON COLUMN gold_features."spend_sweets" IS 'Spend on sweets in two years';
COMMENT ON COLUMN gold_features."spend_gold" IS 'Spend on gold in two years';
COMMENT ON COLUMN gold_features."purchases_deals" IS 'Purchases made with a discount';
COMMENT ON COLUMN gold_features."purchases_web" IS 'Purchases through the web channel';
COMMENT ON COLUMN gold_features."purchases_catalog" IS 'Purchases through the catalog channel';
COMMENT ON COLUMN gold_features."purchases_store" IS 'Purchases through the store channel';
COMMENT ON COLUMN gold_features."web_visits_month" IS 'Visits to the web site in the last month';
COMMENT ON COLUMN gold_features."accepted_campaign_1" IS 'Accepted the offer of campaign 1';
COMMENT ON COLUMN gold_features."accepted_campaign_2" IS 'Accepted the offer of campaign 2';
COMMENT ON COLUMN gold_features."accepted_campaign_3" IS 'Accepted the offer of campaign 3';
COMMENT ON COLUMN gold_features."accepted_campaign_4" IS 'Accepted the offer of campaign 4';
COMMENT ON COLUMN gold_features."accepted_campaign_5" IS 'Accepted the offer of campaign 5';
COMMENT ON COLUMN gold_features."responded" IS 'Accepted the offer of the last campaign';
COMMENT ON COLUMN gold_features."complained" IS 'Complained in the last two years';
COMMENT ON COLUMN gold_features."as_of_year" IS 'Day of the snapshot that it holds for: its year';
COMMENT ON COLUMN gold_features."as_of_day" IS 'Day of the snapshot that it holds for: its day of the year';
COMMENT ON COLUMN gold_features."education_basic" IS '1 where education is basic, else 0';
COMMENT ON COLUMN gold_features."education_graduation" IS '1 where education is graduation, else 0';
COMMENT ON COLUMN gold_features."education_second_cycle" IS '1 where education is second_cycle, else 0';
COMMENT ON COLUMN gold_features."education_master" IS '1 where education is master, else 0';
COMMENT ON COLUMN gold_features."education_phd" IS '1 where education is phd, else 0';
COMMENT ON COLUMN gold_features."marital_status_single" IS '1 where marital_status is single, else 0';
COMMENT ON COLUMN gold_features."marital_status_together" IS '1 where marital_status is together, else 0';
COMMENT ON COLUMN gold_features."marital_status_married" IS '1 where marital_status is married, else 0';
COMMENT ON COLUMN gold_features."marital_status_divorced" IS '1 where marital_status is divorced, else 0';
COMMENT ON COLUMN gold_features."marital_status_widow" IS '1 where marital_status is widow, else 0';
COMMENT ON COLUMN gold_features."age" IS 'Age in the year of the snapshot';
COMMENT ON COLUMN gold_features."tenure_days" IS 'Days from enrolment to the snapshot';
COMMENT ON COLUMN gold_features."children" IS 'Children and teenagers in the household';
COMMENT ON COLUMN gold_features."partnered" IS '1 where married or living together, else 0';
COMMENT ON COLUMN gold_features."household_size" IS 'Customer, partner and children';
COMMENT ON COLUMN gold_features."spend_total" IS 'Spend on all products in two years';
COMMENT ON COLUMN gold_features."spend_share_wines" IS 'Share of the customer''s spend that goes to wines; 0 without spend';
COMMENT ON COLUMN gold_features."spend_share_fruits" IS 'Share of the customer''s spend that goes to fruits; 0 without spend';
COMMENT ON COLUMN gold_features."spend_share_meat" IS 'Share of the customer''s spend that goes to meat; 0 without spend';
COMMENT ON COLUMN gold_features."spend_share_fish" IS 'Share of the customer''s spend that goes to fish; 0 without spend';
COMMENT ON COLUMN gold_features."spend_share_sweets" IS 'Share of the customer''s spend that goes to sweets; 0 without spend';
COMMENT ON COLUMN gold_features."spend_share_gold" IS 'Share of the customer''s spend that goes to gold; 0 without spend';
COMMENT ON COLUMN gold_features."spend_to_income" IS 'Two-year spend over yearly income; 0 without income';
COMMENT ON COLUMN gold_features."purchases_total" IS 'Purchases through all channels';
COMMENT ON COLUMN gold_features."purchase_share_web" IS 'Share of purchases made through the web channel; 0 without purchases';
COMMENT ON COLUMN gold_features."purchase_share_catalog" IS 'Share of purchases made through the catalog channel; 0 without purchases';
COMMENT ON COLUMN gold_features."purchase_share_store" IS 'Share of purchases made through the store channel; 0 without purchases';
COMMENT ON COLUMN gold_features."deal_share" IS 'Purchases with a discount over purchases through all channels; 0 without purchases';
COMMENT ON COLUMN gold_features."average_basket" IS 'Average spend a purchase; 0 without purchases';
COMMENT ON COLUMN gold_features."campaigns_accepted" IS 'Offers of the first five campaigns that were accepted';

SET VARIABLE gold_segments = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/segments.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/segments.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_segments AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("segment_name" AS VARCHAR) AS "segment_name",
  CAST("segment_id" AS BIGINT) AS "segment_id",
  CAST("runner_up" AS VARCHAR) AS "runner_up",
  CAST("margin" AS DOUBLE) AS "margin",
  CAST("affluence_tier" AS VARCHAR) AS "affluence_tier",
  CAST("waits_for_offers" AS VARCHAR) AS "waits_for_offers",
  CAST("likely_to_spend" AS DOUBLE) AS "likely_to_spend",
  CAST("product" AS VARCHAR) AS "product",
  CAST("channel" AS VARCHAR) AS "channel",
  CAST("offer" AS VARCHAR) AS "offer",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "segment_name", CAST(NULL AS BIGINT) AS "segment_id", CAST(NULL AS VARCHAR) AS "runner_up", CAST(NULL AS DOUBLE) AS "margin", CAST(NULL AS VARCHAR) AS "affluence_tier", CAST(NULL AS VARCHAR) AS "waits_for_offers", CAST(NULL AS DOUBLE) AS "likely_to_spend", CAST(NULL AS VARCHAR) AS "product", CAST(NULL AS VARCHAR) AS "channel", CAST(NULL AS VARCHAR) AS "offer", CAST(NULL AS VARCHAR) AS "artifact_version" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_segments')));
COMMENT ON VIEW gold_segments IS 'One row a customer: segment, runner-up, margin and every decision';
COMMENT ON COLUMN gold_segments."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_segments."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_segments."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_segments."segment_name" IS 'Name of the segment, for people';
COMMENT ON COLUMN gold_segments."segment_id" IS 'Code of the segment in the model; -1 without one';
COMMENT ON COLUMN gold_segments."runner_up" IS 'Key of the next nearest segment';
COMMENT ON COLUMN gold_segments."margin" IS '0 halfway between two segments, 1 on a centre';
COMMENT ON COLUMN gold_segments."affluence_tier" IS '0 below the first income threshold, 1 from there, 2 from the second.';
COMMENT ON COLUMN gold_segments."waits_for_offers" IS '1 for a customer who bought with discounts often enough, in share and in number.';
COMMENT ON COLUMN gold_segments."likely_to_spend" IS 'Percentile of the expected spend in the base, in equal steps from 0 to below 100.';
COMMENT ON COLUMN gold_segments."product" IS 'The product whose share of the customer''s spend stands out most against the base.';
COMMENT ON COLUMN gold_segments."channel" IS 'The channel whose share of the customer''s purchases stands out most against the base.';
COMMENT ON COLUMN gold_segments."offer" IS 'A discount for those who wait for one and are not affluent, a preview for likely spenders.';
COMMENT ON COLUMN gold_segments."artifact_version" IS 'Version of the model that said so';

SET VARIABLE gold_unsegmented = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/unsegmented.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/unsegmented.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_unsegmented AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("row_number" AS BIGINT) AS "row_number",
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("reasons" AS VARCHAR) AS "reasons",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS BIGINT) AS "row_number", CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "reasons", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "artifact_version" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_unsegmented')));
COMMENT ON VIEW gold_unsegmented IS 'One row a row of the source without a segment, with every reason';
COMMENT ON COLUMN gold_unsegmented."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_unsegmented."row_number" IS 'Row of the source, the first is 1';
COMMENT ON COLUMN gold_unsegmented."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_unsegmented."reasons" IS 'Every reason, separated by semicolons';
COMMENT ON COLUMN gold_unsegmented."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_unsegmented."artifact_version" IS 'Version of the model that said so';

SET VARIABLE gold_segment_profiles = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "segment" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/segment_profiles.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/segment_profiles.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_segment_profiles AS
SELECT
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("segment_name" AS VARCHAR) AS "segment_name",
  CAST("segment_id" AS BIGINT) AS "segment_id",
  CAST("customers" AS BIGINT) AS "customers",
  CAST("share" AS DOUBLE) AS "share",
  CAST("measure" AS VARCHAR) AS "measure",
  CAST("mean" AS DOUBLE) AS "mean",
  CAST("base_mean" AS DOUBLE) AS "base_mean",
  CAST("index" AS DOUBLE) AS "index"
FROM (SELECT CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "segment_name", CAST(NULL AS BIGINT) AS "segment_id", CAST(NULL AS BIGINT) AS "customers", CAST(NULL AS DOUBLE) AS "share", CAST(NULL AS VARCHAR) AS "measure", CAST(NULL AS DOUBLE) AS "mean", CAST(NULL AS DOUBLE) AS "base_mean", CAST(NULL AS DOUBLE) AS "index" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_segment_profiles')));
COMMENT ON VIEW gold_segment_profiles IS 'One row a segment and measure: its mean, the base''s, and the index';
COMMENT ON COLUMN gold_segment_profiles."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_segment_profiles."segment_name" IS 'Name of the segment, for people';
COMMENT ON COLUMN gold_segment_profiles."segment_id" IS 'Code of the segment in the model; -1 without one';
COMMENT ON COLUMN gold_segment_profiles."customers" IS 'Customers in the segment';
COMMENT ON COLUMN gold_segment_profiles."share" IS 'Share of all customers in the segment';
COMMENT ON COLUMN gold_segment_profiles."measure" IS 'Feature, or a decision and its label';
COMMENT ON COLUMN gold_segment_profiles."mean" IS 'Mean of the segment';
COMMENT ON COLUMN gold_segment_profiles."base_mean" IS 'Mean of all customers';
COMMENT ON COLUMN gold_segment_profiles."index" IS '100 times the segment''s mean over that of all';

SET VARIABLE gold_history = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/history/*.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/history/*.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_history AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("segment_name" AS VARCHAR) AS "segment_name",
  CAST("runner_up" AS VARCHAR) AS "runner_up",
  CAST("margin" AS DOUBLE) AS "margin",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version",
  CAST("run_id" AS VARCHAR) AS "run_id",
  CAST("recorded_at" AS VARCHAR) AS "recorded_at"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "segment_name", CAST(NULL AS VARCHAR) AS "runner_up", CAST(NULL AS DOUBLE) AS "margin", CAST(NULL AS VARCHAR) AS "artifact_version", CAST(NULL AS VARCHAR) AS "run_id", CAST(NULL AS VARCHAR) AS "recorded_at" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_history')));
COMMENT ON VIEW gold_history IS 'One row a customer and statement: where they were on a day, as was known then';
COMMENT ON COLUMN gold_history."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_history."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_history."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_history."segment_name" IS 'Name of the segment, for people';
COMMENT ON COLUMN gold_history."runner_up" IS 'Key of the next nearest segment';
COMMENT ON COLUMN gold_history."margin" IS '0 halfway between two segments, 1 on a centre';
COMMENT ON COLUMN gold_history."artifact_version" IS 'Version of the model that said so';
COMMENT ON COLUMN gold_history."run_id" IS 'Run or stream that said so';
COMMENT ON COLUMN gold_history."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';

SET VARIABLE gold_movers = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/movers.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/movers.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_movers AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("from_segment" AS VARCHAR) AS "from_segment",
  CAST("from_name" AS VARCHAR) AS "from_name",
  CAST("from_artifact_version" AS VARCHAR) AS "from_artifact_version",
  CAST("from_as_of" AS TIMESTAMP) AS "from_as_of",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("to_segment" AS VARCHAR) AS "to_segment",
  CAST("to_name" AS VARCHAR) AS "to_name",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version",
  CAST("cause" AS VARCHAR) AS "cause"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS VARCHAR) AS "from_segment", CAST(NULL AS VARCHAR) AS "from_name", CAST(NULL AS VARCHAR) AS "from_artifact_version", CAST(NULL AS TIMESTAMP) AS "from_as_of", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "to_segment", CAST(NULL AS VARCHAR) AS "to_name", CAST(NULL AS VARCHAR) AS "artifact_version", CAST(NULL AS VARCHAR) AS "cause" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_movers')));
COMMENT ON VIEW gold_movers IS 'One row a customer who is in another segment than in the state before';
COMMENT ON COLUMN gold_movers."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_movers."from_segment" IS 'Key of the segment before';
COMMENT ON COLUMN gold_movers."from_name" IS 'Name of the segment before';
COMMENT ON COLUMN gold_movers."from_artifact_version" IS 'Version of the model before';
COMMENT ON COLUMN gold_movers."from_as_of" IS 'Day of the state before';
COMMENT ON COLUMN gold_movers."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_movers."to_segment" IS 'Key of the segment now';
COMMENT ON COLUMN gold_movers."to_name" IS 'Name of the segment now';
COMMENT ON COLUMN gold_movers."artifact_version" IS 'Version of the model that said so';
COMMENT ON COLUMN gold_movers."cause" IS 'What made the customer move: data, model, both or unknown';

SET VARIABLE gold_moves = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/moves/*.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/moves/*.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_moves AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("from_segment" AS VARCHAR) AS "from_segment",
  CAST("from_name" AS VARCHAR) AS "from_name",
  CAST("to_segment" AS VARCHAR) AS "to_segment",
  CAST("to_name" AS VARCHAR) AS "to_name",
  CAST("cause" AS VARCHAR) AS "cause",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version",
  CAST("recorded_at" AS VARCHAR) AS "recorded_at",
  CAST("run_id" AS VARCHAR) AS "run_id"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS VARCHAR) AS "from_segment", CAST(NULL AS VARCHAR) AS "from_name", CAST(NULL AS VARCHAR) AS "to_segment", CAST(NULL AS VARCHAR) AS "to_name", CAST(NULL AS VARCHAR) AS "cause", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "artifact_version", CAST(NULL AS VARCHAR) AS "recorded_at", CAST(NULL AS VARCHAR) AS "run_id" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_moves')));
COMMENT ON VIEW gold_moves IS 'One row a move that a stream saw, with its cause';
COMMENT ON COLUMN gold_moves."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_moves."from_segment" IS 'Key of the segment before; none for who entered';
COMMENT ON COLUMN gold_moves."from_name" IS 'Name of the segment before';
COMMENT ON COLUMN gold_moves."to_segment" IS 'Key of the segment now; none for who left';
COMMENT ON COLUMN gold_moves."to_name" IS 'Name of the segment now';
COMMENT ON COLUMN gold_moves."cause" IS 'entered, left, data, model, both or unknown';
COMMENT ON COLUMN gold_moves."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_moves."artifact_version" IS 'Version of the model that said so';
COMMENT ON COLUMN gold_moves."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';
COMMENT ON COLUMN gold_moves."run_id" IS 'Run or stream that said so';

SET VARIABLE gold_campaign = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/campaign.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/campaign.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_campaign AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("campaign" AS VARCHAR) AS "campaign",
  CAST("campaign_day" AS TIMESTAMP) AS "campaign_day",
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("offer" AS VARCHAR) AS "offer",
  CAST("channel" AS VARCHAR) AS "channel",
  CAST("cost" AS DOUBLE) AS "cost",
  CAST("p_response" AS DOUBLE) AS "p_response",
  CAST("expected_profit" AS DOUBLE) AS "expected_profit",
  CAST("is_contacted" AS BIGINT) AS "is_contacted",
  CAST("in_hold_out" AS BIGINT) AS "in_hold_out",
  CAST("chance" AS DOUBLE) AS "chance",
  CAST("why" AS VARCHAR) AS "why",
  CAST("may_get" AS VARCHAR) AS "may_get",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "campaign", CAST(NULL AS TIMESTAMP) AS "campaign_day", CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "offer", CAST(NULL AS VARCHAR) AS "channel", CAST(NULL AS DOUBLE) AS "cost", CAST(NULL AS DOUBLE) AS "p_response", CAST(NULL AS DOUBLE) AS "expected_profit", CAST(NULL AS BIGINT) AS "is_contacted", CAST(NULL AS BIGINT) AS "in_hold_out", CAST(NULL AS DOUBLE) AS "chance", CAST(NULL AS VARCHAR) AS "why", CAST(NULL AS VARCHAR) AS "may_get", CAST(NULL AS VARCHAR) AS "artifact_version" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_campaign')));
COMMENT ON VIEW gold_campaign IS 'One row a customer: what the campaign does with them, and why';
COMMENT ON COLUMN gold_campaign."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_campaign."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_campaign."campaign" IS 'Name of the campaign';
COMMENT ON COLUMN gold_campaign."campaign_day" IS 'Day of the contact';
COMMENT ON COLUMN gold_campaign."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_campaign."offer" IS 'The offer; empty without one';
COMMENT ON COLUMN gold_campaign."channel" IS 'How the customer is contacted; empty without an offer';
COMMENT ON COLUMN gold_campaign."cost" IS 'Cost of the contact';
COMMENT ON COLUMN gold_campaign."p_response" IS 'Probability of an answer';
COMMENT ON COLUMN gold_campaign."expected_profit" IS 'Expected worth of the contact less its cost';
COMMENT ON COLUMN gold_campaign."is_contacted" IS '1 for who is contacted';
COMMENT ON COLUMN gold_campaign."in_hold_out" IS '1 for who would be contacted, and is held out';
COMMENT ON COLUMN gold_campaign."chance" IS 'Chance that the customer had to be on the list';
COMMENT ON COLUMN gold_campaign."why" IS 'Why the customer is contacted or not';
COMMENT ON COLUMN gold_campaign."may_get" IS 'Offers that the customer may get, separated by |';
COMMENT ON COLUMN gold_campaign."artifact_version" IS 'Version of the model that said so';

SET VARIABLE gold_campaign_inputs = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/campaign_inputs/*.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/campaign_inputs/*.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_campaign_inputs AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("campaign" AS VARCHAR) AS "campaign",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("offer" AS VARCHAR) AS "offer",
  CAST("answer_factor" AS DOUBLE) AS "answer_factor",
  CAST("chance" AS DOUBLE) AS "chance",
  CAST("p_response" AS DOUBLE) AS "p_response",
  CAST("p_planned" AS DOUBLE) AS "p_planned",
  CAST("response_version" AS VARCHAR) AS "response_version",
  CAST("input_year_birth" AS DOUBLE) AS "input_year_birth",
  CAST("input_education" AS DOUBLE) AS "input_education",
  CAST("input_marital_status" AS DOUBLE) AS "input_marital_status",
  CAST("input_income" AS DOUBLE) AS "input_income",
  CAST("input_kids_home" AS DOUBLE) AS "input_kids_home",
  CAST("input_teens_home" AS DOUBLE) AS "input_teens_home",
  CAST("input_enrolled_year" AS DOUBLE) AS "input_enrolled_year",
  CAST("input_enrolled_day" AS DOUBLE) AS "input_enrolled_day",
  CAST("input_recency_days" AS DOUBLE) AS "input_recency_days",
  CAST("input_spend_wines" AS DOUBLE) AS "input_spend_wines",
  CAST("input_spend_fruits" AS DOUBLE) AS "input_spend_fruits",
  CAST("input_spend_meat" AS DOUBLE) AS "input_spend_meat",
  CAST("input_spend_fish" AS DOUBLE) AS "input_spend_fish",
  CAST("input_spend_sweets" AS DOUBLE) AS "input_spend_sweets",
  CAST("input_spend_gold" AS DOUBLE) AS "input_spend_gold",
  CAST("input_purchases_deals" AS DOUBLE) AS "input_purchases_deals",
  CAST("input_purchases_web" AS DOUBLE) AS "input_purchases_web",
  CAST("input_purchases_catalog" AS DOUBLE) AS "input_purchases_catalog",
  CAST("input_purchases_store" AS DOUBLE) AS "input_purchases_store",
  CAST("input_web_visits_month" AS DOUBLE) AS "input_web_visits_month",
  CAST("input_accepted_campaign_1" AS DOUBLE) AS "input_accepted_campaign_1",
  CAST("input_accepted_campaign_2" AS DOUBLE) AS "input_accepted_campaign_2",
  CAST("input_accepted_campaign_3" AS DOUBLE) AS "input_accepted_campaign_3",
  CAST("input_accepted_campaign_4" AS DOUBLE) AS "input_accepted_campaign_4",
  CAST("input_accepted_campaign_5" AS DOUBLE) AS "input_accepted_campaign_5",
  CAST("input_responded" AS DOUBLE) AS "input_responded",
  CAST("input_complained" AS DOUBLE) AS "input_complained",
  CAST("input_as_of_year" AS DOUBLE) AS "input_as_of_year",
  CAST("input_as_of_day" AS DOUBLE) AS "input_as_of_day",
  CAST("recorded_at" AS VARCHAR) AS "recorded_at",
  CAST("run_id" AS VARCHAR) AS "run_id"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS VARCHAR) AS "campaign", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "offer", CAST(NULL AS DOUBLE) AS "answer_factor", CAST(NULL AS DOUBLE) AS "chance", CAST(NULL AS DOUBLE) AS "p_response", CAST(NULL AS DOUBLE) AS "p_planned", CAST(NULL AS VARCHAR) AS "response_version", CAST(NULL AS DOUBLE) AS "input_year_birth", CAST(NULL AS DOUBLE) AS "input_education", CAST(NULL AS DOUBLE) AS "input_marital_status", CAST(NULL AS DOUBLE) AS "input_income", CAST(NULL AS DOUBLE) AS "input_kids_home", CAST(NULL AS DOUBLE) AS "input_teens_home", CAST(NULL AS DOUBLE) AS "input_enrolled_year", CAST(NULL AS DOUBLE) AS "input_enrolled_day", CAST(NULL AS DOUBLE) AS "input_recency_days", CAST(NULL AS DOUBLE) AS "input_spend_wines", CAST(NULL AS DOUBLE) AS "input_spend_fruits", CAST(NULL AS DOUBLE) AS "input_spend_meat", CAST(NULL AS DOUBLE) AS "input_spend_fish", CAST(NULL AS DOUBLE) AS "input_spend_sweets", CAST(NULL AS DOUBLE) AS "input_spend_gold", CAST(NULL AS DOUBLE) AS "input_purchases_deals", CAST(NULL AS DOUBLE) AS "input_purchases_web", CAST(NULL AS DOUBLE) AS "input_purchases_catalog", CAST(NULL AS DOUBLE) AS "input_purchases_store", CAST(NULL AS DOUBLE) AS "input_web_visits_month", CAST(NULL AS DOUBLE) AS "input_accepted_campaign_1", CAST(NULL AS DOUBLE) AS "input_accepted_campaign_2", CAST(NULL AS DOUBLE) AS "input_accepted_campaign_3", CAST(NULL AS DOUBLE) AS "input_accepted_campaign_4", CAST(NULL AS DOUBLE) AS "input_accepted_campaign_5", CAST(NULL AS DOUBLE) AS "input_responded", CAST(NULL AS DOUBLE) AS "input_complained", CAST(NULL AS DOUBLE) AS "input_as_of_year", CAST(NULL AS DOUBLE) AS "input_as_of_day", CAST(NULL AS VARCHAR) AS "recorded_at", CAST(NULL AS VARCHAR) AS "run_id" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_campaign_inputs')));
COMMENT ON VIEW gold_campaign_inputs IS 'One row a customer whom a plan chose: what was known of them then';
COMMENT ON COLUMN gold_campaign_inputs."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_campaign_inputs."campaign" IS 'Name of the campaign';
COMMENT ON COLUMN gold_campaign_inputs."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_campaign_inputs."offer" IS 'The offer; empty without one';
COMMENT ON COLUMN gold_campaign_inputs."answer_factor" IS 'How many times as often it was thought to be answered';
COMMENT ON COLUMN gold_campaign_inputs."chance" IS 'Probability with which such a customer was contacted';
COMMENT ON COLUMN gold_campaign_inputs."p_response" IS 'Probability of an answer, as the model said';
COMMENT ON COLUMN gold_campaign_inputs."p_planned" IS 'The same as the campaign was planned with';
COMMENT ON COLUMN gold_campaign_inputs."response_version" IS 'Version of the response model';
COMMENT ON COLUMN gold_campaign_inputs."input_year_birth" IS 'Year of birth';
COMMENT ON COLUMN gold_campaign_inputs."input_education" IS 'Highest education; codes 0 to 4';
COMMENT ON COLUMN gold_campaign_inputs."input_marital_status" IS 'Marital status; codes 0 to 4';
COMMENT ON COLUMN gold_campaign_inputs."input_income" IS 'Yearly income of the household';
COMMENT ON COLUMN gold_campaign_inputs."input_kids_home" IS 'Small children in the household';
COMMENT ON COLUMN gold_campaign_inputs."input_teens_home" IS 'Teenagers in the household';
COMMENT ON COLUMN gold_campaign_inputs."input_enrolled_year" IS 'Day the customer enrolled: its year';
COMMENT ON COLUMN gold_campaign_inputs."input_enrolled_day" IS 'Day the customer enrolled: its day of the year';
COMMENT ON COLUMN gold_campaign_inputs."input_recency_days" IS 'Days since the last purchase';
COMMENT ON COLUMN gold_campaign_inputs."input_spend_wines" IS 'Spend on wines in two years';
COMMENT ON COLUMN gold_campaign_inputs."input_spend_fruits" IS 'Spend on fruits in two years';
COMMENT ON COLUMN gold_campaign_inputs."input_spend_meat" IS 'Spend on meat in two years';
COMMENT ON COLUMN gold_campaign_inputs."input_spend_fish" IS 'Spend on fish in two years';
COMMENT ON COLUMN gold_campaign_inputs."input_spend_sweets" IS 'Spend on sweets in two years';
COMMENT ON COLUMN gold_campaign_inputs."input_spend_gold" IS 'Spend on gold in two years';
COMMENT ON COLUMN gold_campaign_inputs."input_purchases_deals" IS 'Purchases made with a discount';
COMMENT ON COLUMN gold_campaign_inputs."input_purchases_web" IS 'Purchases through the web channel';
COMMENT ON COLUMN gold_campaign_inputs."input_purchases_catalog" IS 'Purchases through the catalog channel';
COMMENT ON COLUMN gold_campaign_inputs."input_purchases_store" IS 'Purchases through the store channel';
COMMENT ON COLUMN gold_campaign_inputs."input_web_visits_month" IS 'Visits to the web site in the last month';
COMMENT ON COLUMN gold_campaign_inputs."input_accepted_campaign_1" IS 'Accepted the offer of campaign 1';
COMMENT ON COLUMN gold_campaign_inputs."input_accepted_campaign_2" IS 'Accepted the offer of campaign 2';
COMMENT ON COLUMN gold_campaign_inputs."input_accepted_campaign_3" IS 'Accepted the offer of campaign 3';
COMMENT ON COLUMN gold_campaign_inputs."input_accepted_campaign_4" IS 'Accepted the offer of campaign 4';
COMMENT ON COLUMN gold_campaign_inputs."input_accepted_campaign_5" IS 'Accepted the offer of campaign 5';
COMMENT ON COLUMN gold_campaign_inputs."input_responded" IS 'Accepted the offer of the last campaign';
COMMENT ON COLUMN gold_campaign_inputs."input_complained" IS 'Complained in the last two years';
COMMENT ON COLUMN gold_campaign_inputs."input_as_of_year" IS 'Day of the snapshot that it holds for: its year';
COMMENT ON COLUMN gold_campaign_inputs."input_as_of_day" IS 'Day of the snapshot that it holds for: its day of the year';
COMMENT ON COLUMN gold_campaign_inputs."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';
COMMENT ON COLUMN gold_campaign_inputs."run_id" IS 'Run or stream that said so';

SET VARIABLE gold_outcomes = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "outcome_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/outcomes/*.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/outcomes/*.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_outcomes AS
SELECT
  CAST("outcome_id" AS VARCHAR) AS "outcome_id",
  CAST("revision" AS BIGINT) AS "revision",
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("campaign" AS VARCHAR) AS "campaign",
  CAST("answered" AS DOUBLE) AS "answered",
  CAST("amount" AS DOUBLE) AS "amount",
  CAST("happened_at" AS VARCHAR) AS "happened_at",
  CAST("received_at" AS VARCHAR) AS "received_at",
  CAST("sent_on" AS TIMESTAMP) AS "sent_on",
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("offer" AS VARCHAR) AS "offer",
  CAST("cost" AS DOUBLE) AS "cost",
  CAST("value" AS DOUBLE) AS "value",
  CAST("in_hold_out" AS BIGINT) AS "in_hold_out",
  CAST("p_response" AS DOUBLE) AS "p_response",
  CAST("response_version" AS VARCHAR) AS "response_version",
  CAST("recorded_at" AS VARCHAR) AS "recorded_at",
  CAST("run_id" AS VARCHAR) AS "run_id"
FROM (SELECT CAST(NULL AS VARCHAR) AS "outcome_id", CAST(NULL AS BIGINT) AS "revision", CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS VARCHAR) AS "campaign", CAST(NULL AS DOUBLE) AS "answered", CAST(NULL AS DOUBLE) AS "amount", CAST(NULL AS VARCHAR) AS "happened_at", CAST(NULL AS VARCHAR) AS "received_at", CAST(NULL AS TIMESTAMP) AS "sent_on", CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "offer", CAST(NULL AS DOUBLE) AS "cost", CAST(NULL AS DOUBLE) AS "value", CAST(NULL AS BIGINT) AS "in_hold_out", CAST(NULL AS DOUBLE) AS "p_response", CAST(NULL AS VARCHAR) AS "response_version", CAST(NULL AS VARCHAR) AS "recorded_at", CAST(NULL AS VARCHAR) AS "run_id" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_outcomes')));
COMMENT ON VIEW gold_outcomes IS 'One row an outcome and revision: what came of a contact, beside it';
COMMENT ON COLUMN gold_outcomes."outcome_id" IS 'Name of the outcome, as its sender has it';
COMMENT ON COLUMN gold_outcomes."revision" IS 'Of an outcome the highest revision is in force';
COMMENT ON COLUMN gold_outcomes."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_outcomes."campaign" IS 'Name of the campaign';
COMMENT ON COLUMN gold_outcomes."answered" IS '1 for an answer, 0 for none';
COMMENT ON COLUMN gold_outcomes."amount" IS 'What the customer bought';
COMMENT ON COLUMN gold_outcomes."happened_at" IS 'When it happened, UTC, as ISO 8601';
COMMENT ON COLUMN gold_outcomes."received_at" IS 'When it arrived, UTC, as ISO 8601';
COMMENT ON COLUMN gold_outcomes."sent_on" IS 'Day on which the customer was first sent, or held out';
COMMENT ON COLUMN gold_outcomes."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_outcomes."offer" IS 'The offer; empty without one';
COMMENT ON COLUMN gold_outcomes."cost" IS 'Cost of a contact, as planned';
COMMENT ON COLUMN gold_outcomes."value" IS 'Value of an answer, as planned';
COMMENT ON COLUMN gold_outcomes."in_hold_out" IS '1 for who was held out';
COMMENT ON COLUMN gold_outcomes."p_response" IS 'Probability of an answer, as the model said';
COMMENT ON COLUMN gold_outcomes."response_version" IS 'Version of that model; none if the plan is not known';
COMMENT ON COLUMN gold_outcomes."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';
COMMENT ON COLUMN gold_outcomes."run_id" IS 'Run or stream that said so';

SET VARIABLE gold_lifetime_value = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/lifetime_value.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/lifetime_value.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_lifetime_value AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("probability_alive" AS DOUBLE) AS "probability_alive",
  CAST("expected_purchases" AS DOUBLE) AS "expected_purchases",
  CAST("value_per_purchase" AS DOUBLE) AS "value_per_purchase",
  CAST("lifetime_value" AS DOUBLE) AS "lifetime_value"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS DOUBLE) AS "probability_alive", CAST(NULL AS DOUBLE) AS "expected_purchases", CAST(NULL AS DOUBLE) AS "value_per_purchase", CAST(NULL AS DOUBLE) AS "lifetime_value" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_lifetime_value')));
COMMENT ON VIEW gold_lifetime_value IS 'One row a customer: purchases and worth that are expected of them';
COMMENT ON COLUMN gold_lifetime_value."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_lifetime_value."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_lifetime_value."probability_alive" IS 'probability_alive';
COMMENT ON COLUMN gold_lifetime_value."expected_purchases" IS 'expected_purchases';
COMMENT ON COLUMN gold_lifetime_value."value_per_purchase" IS 'value_per_purchase';
COMMENT ON COLUMN gold_lifetime_value."lifetime_value" IS 'lifetime_value';

SET VARIABLE gold_feature_table = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/feature_table.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/feature_table.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_feature_table AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("event_timestamp" AS TIMESTAMP) AS "event_timestamp",
  CAST("year_birth" AS DOUBLE) AS "year_birth",
  CAST("education" AS DOUBLE) AS "education",
  CAST("marital_status" AS DOUBLE) AS "marital_status",
  CAST("income" AS DOUBLE) AS "income",
  CAST("kids_home" AS DOUBLE) AS "kids_home",
  CAST("teens_home" AS DOUBLE) AS "teens_home",
  CAST("enrolled_year" AS DOUBLE) AS "enrolled_year",
  CAST("enrolled_day" AS DOUBLE) AS "enrolled_day",
  CAST("recency_days" AS DOUBLE) AS "recency_days",
  CAST("spend_wines" AS DOUBLE) AS "spend_wines",
  CAST("spend_fruits" AS DOUBLE) AS "spend_fruits",
  CAST("spend_meat" AS DOUBLE) AS "spend_meat",
  CAST("spend_fish" AS DOUBLE) AS "spend_fish",
  CAST("spend_sweets" AS DOUBLE) AS "spend_sweets",
  CAST("spend_gold" AS DOUBLE) AS "spend_gold",
  CAST("purchases_deals" AS DOUBLE) AS "purchases_deals",
  CAST("purchases_web" AS DOUBLE) AS "purchases_web",
  CAST("purchases_catalog" AS DOUBLE) AS "purchases_catalog",
  CAST("purchases_store" AS DOUBLE) AS "purchases_store",
  CAST("web_visits_month" AS DOUBLE) AS "web_visits_month",
  CAST("accepted_campaign_1" AS DOUBLE) AS "accepted_campaign_1",
  CAST("accepted_campaign_2" AS DOUBLE) AS "accepted_campaign_2",
  CAST("accepted_campaign_3" AS DOUBLE) AS "accepted_campaign_3",
  CAST("accepted_campaign_4" AS DOUBLE) AS "accepted_campaign_4",
  CAST("accepted_campaign_5" AS DOUBLE) AS "accepted_campaign_5",
  CAST("responded" AS DOUBLE) AS "responded",
  CAST("complained" AS DOUBLE) AS "complained",
  CAST("as_of_year" AS DOUBLE) AS "as_of_year",
  CAST("as_of_day" AS DOUBLE) AS "as_of_day",
  CAST("education_basic" AS DOUBLE) AS "education_basic",
  CAST("education_graduation" AS DOUBLE) AS "education_graduation",
  CAST("education_second_cycle" AS DOUBLE) AS "education_second_cycle",
  CAST("education_master" AS DOUBLE) AS "education_master",
  CAST("education_phd" AS DOUBLE) AS "education_phd",
  CAST("marital_status_single" AS DOUBLE) AS "marital_status_single",
  CAST("marital_status_together" AS DOUBLE) AS "marital_status_together",
  CAST("marital_status_married" AS DOUBLE) AS "marital_status_married",
  CAST("marital_status_divorced" AS DOUBLE) AS "marital_status_divorced",
  CAST("marital_status_widow" AS DOUBLE) AS "marital_status_widow",
  CAST("age" AS DOUBLE) AS "age",
  CAST("tenure_days" AS DOUBLE) AS "tenure_days",
  CAST("children" AS DOUBLE) AS "children",
  CAST("partnered" AS DOUBLE) AS "partnered",
  CAST("household_size" AS DOUBLE) AS "household_size",
  CAST("spend_total" AS DOUBLE) AS "spend_total",
  CAST("spend_share_wines" AS DOUBLE) AS "spend_share_wines",
  CAST("spend_share_fruits" AS DOUBLE) AS "spend_share_fruits",
  CAST("spend_share_meat" AS DOUBLE) AS "spend_share_meat",
  CAST("spend_share_fish" AS DOUBLE) AS "spend_share_fish",
  CAST("spend_share_sweets" AS DOUBLE) AS "spend_share_sweets",
  CAST("spend_share_gold" AS DOUBLE) AS "spend_share_gold",
  CAST("spend_to_income" AS DOUBLE) AS "spend_to_income",
  CAST("purchases_total" AS DOUBLE) AS "purchases_total",
  CAST("purchase_share_web" AS DOUBLE) AS "purchase_share_web",
  CAST("purchase_share_catalog" AS DOUBLE) AS "purchase_share_catalog",
  CAST("purchase_share_store" AS DOUBLE) AS "purchase_share_store",
  CAST("deal_share" AS DOUBLE) AS "deal_share",
  CAST("average_basket" AS DOUBLE) AS "average_basket",
  CAST("campaigns_accepted" AS DOUBLE) AS "campaigns_accepted",
  CAST("income_standardised" AS DOUBLE) AS "income_standardised",
  CAST("age_standardised" AS DOUBLE) AS "age_standardised",
  CAST("spend_total_standardised" AS DOUBLE) AS "spend_total_standardised",
  CAST("purchases_deals_standardised" AS DOUBLE) AS "purchases_deals_standardised",
  CAST("web_visits_month_standardised" AS DOUBLE) AS "web_visits_month_standardised"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "event_timestamp", CAST(NULL AS DOUBLE) AS "year_birth", CAST(NULL AS DOUBLE) AS "education", CAST(NULL AS DOUBLE) AS "marital_status", CAST(NULL AS DOUBLE) AS "income", CAST(NULL AS DOUBLE) AS "kids_home", CAST(NULL AS DOUBLE) AS "teens_home", CAST(NULL AS DOUBLE) AS "enrolled_year", CAST(NULL AS DOUBLE) AS "enrolled_day", CAST(NULL AS DOUBLE) AS "recency_days", CAST(NULL AS DOUBLE) AS "spend_wines", CAST(NULL AS DOUBLE) AS "spend_fruits", CAST(NULL AS DOUBLE) AS "spend_meat", CAST(NULL AS DOUBLE) AS "spend_fish", CAST(NULL AS DOUBLE) AS "spend_sweets", CAST(NULL AS DOUBLE) AS "spend_gold", CAST(NULL AS DOUBLE) AS "purchases_deals", CAST(NULL AS DOUBLE) AS "purchases_web", CAST(NULL AS DOUBLE) AS "purchases_catalog", CAST(NULL AS DOUBLE) AS "purchases_store", CAST(NULL AS DOUBLE) AS "web_visits_month", CAST(NULL AS DOUBLE) AS "accepted_campaign_1", CAST(NULL AS DOUBLE) AS "accepted_campaign_2", CAST(NULL AS DOUBLE) AS "accepted_campaign_3", CAST(NULL AS DOUBLE) AS "accepted_campaign_4", CAST(NULL AS DOUBLE) AS "accepted_campaign_5", CAST(NULL AS DOUBLE) AS "responded", CAST(NULL AS DOUBLE) AS "complained", CAST(NULL AS DOUBLE) AS "as_of_year", CAST(NULL AS DOUBLE) AS "as_of_day", CAST(NULL AS DOUBLE) AS "education_basic", CAST(NULL AS DOUBLE) AS "education_graduation", CAST(NULL AS DOUBLE) AS "education_second_cycle", CAST(NULL AS DOUBLE) AS "education_master", CAST(NULL AS DOUBLE) AS "education_phd", CAST(NULL AS DOUBLE) AS "marital_status_single", CAST(NULL AS DOUBLE) AS "marital_status_together", CAST(NULL AS DOUBLE) AS "marital_status_married", CAST(NULL AS DOUBLE) AS "marital_status_divorced", CAST(NULL AS DOUBLE) AS "marital_status_widow", CAST(NULL AS DOUBLE) AS "age", CAST(NULL AS DOUBLE) AS "tenure_days", CAST(NULL AS DOUBLE) AS "children", CAST(NULL AS DOUBLE) AS "partnered", CAST(NULL AS DOUBLE) AS "household_size", CAST(NULL AS DOUBLE) AS "spend_total", CAST(NULL AS DOUBLE) AS "spend_share_wines", CAST(NULL AS DOUBLE) AS "spend_share_fruits", CAST(NULL AS DOUBLE) AS "spend_share_meat", CAST(NULL AS DOUBLE) AS "spend_share_fish", CAST(NULL AS DOUBLE) AS "spend_share_sweets", CAST(NULL AS DOUBLE) AS "spend_share_gold", CAST(NULL AS DOUBLE) AS "spend_to_income", CAST(NULL AS DOUBLE) AS "purchases_total", CAST(NULL AS DOUBLE) AS "purchase_share_web", CAST(NULL AS DOUBLE) AS "purchase_share_catalog", CAST(NULL AS DOUBLE) AS "purchase_share_store", CAST(NULL AS DOUBLE) AS "deal_share", CAST(NULL AS DOUBLE) AS "average_basket", CAST(NULL AS DOUBLE) AS "campaigns_accepted", CAST(NULL AS DOUBLE) AS "income_standardised", CAST(NULL AS DOUBLE) AS "age_standardised", CAST(NULL AS DOUBLE) AS "spend_total_standardised", CAST(NULL AS DOUBLE) AS "purchases_deals_standardised", CAST(NULL AS DOUBLE) AS "web_visits_month_standardised" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_feature_table')));
COMMENT ON VIEW gold_feature_table IS 'One row a customer: features raw and as the segmenter sees them';
COMMENT ON COLUMN gold_feature_table."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_feature_table."event_timestamp" IS 'Day of the snapshot that the features hold for';
COMMENT ON COLUMN gold_feature_table."year_birth" IS 'Year of birth';
COMMENT ON COLUMN gold_feature_table."education" IS 'Highest education; codes 0 to 4';
COMMENT ON COLUMN gold_feature_table."marital_status" IS 'Marital status; codes 0 to 4';
COMMENT ON COLUMN gold_feature_table."income" IS 'Yearly income of the household';
COMMENT ON COLUMN gold_feature_table."kids_home" IS 'Small children in the household';
COMMENT ON COLUMN gold_feature_table."teens_home" IS 'Teenagers in the household';
COMMENT ON COLUMN gold_feature_table."enrolled_year" IS 'Day the customer enrolled: its year';
COMMENT ON COLUMN gold_feature_table."enrolled_day" IS 'Day the customer enrolled: its day of the year';
COMMENT ON COLUMN gold_feature_table."recency_days" IS 'Days since the last purchase';
COMMENT ON COLUMN gold_feature_table."spend_wines" IS 'Spend on wines in two years';
COMMENT ON COLUMN gold_feature_table."spend_fruits" IS 'Spend on fruits in two years';
COMMENT ON COLUMN gold_feature_table."spend_meat" IS 'Spend on meat in two years';
COMMENT ON COLUMN gold_feature_table."spend_fish" IS 'Spend on fish in two years';
COMMENT ON COLUMN gold_feature_table."spend_sweets" IS 'Spend on sweets in two years';
COMMENT ON COLUMN gold_feature_table."spend_gold" IS 'Spend on gold in two years';
COMMENT ON COLUMN gold_feature_table."purchases_deals" IS 'Purchases made with a discount';
COMMENT ON COLUMN gold_feature_table."purchases_web" IS 'Purchases through the web channel';
COMMENT ON COLUMN gold_feature_table."purchases_catalog" IS 'Purchases through the catalog channel';
COMMENT ON COLUMN gold_feature_table."purchases_store" IS 'Purchases through the store channel';
COMMENT ON COLUMN gold_feature_table."web_visits_month" IS 'Visits to the web site in the last month';
COMMENT ON COLUMN gold_feature_table."accepted_campaign_1" IS 'Accepted the offer of campaign 1';
COMMENT ON COLUMN gold_feature_table."accepted_campaign_2" IS 'Accepted the offer of campaign 2';
COMMENT ON COLUMN gold_feature_table."accepted_campaign_3" IS 'Accepted the offer of campaign 3';
COMMENT ON COLUMN gold_feature_table."accepted_campaign_4" IS 'Accepted the offer of campaign 4';
COMMENT ON COLUMN gold_feature_table."accepted_campaign_5" IS 'Accepted the offer of campaign 5';
COMMENT ON COLUMN gold_feature_table."responded" IS 'Accepted the offer of the last campaign';
COMMENT ON COLUMN gold_feature_table."complained" IS 'Complained in the last two years';
COMMENT ON COLUMN gold_feature_table."as_of_year" IS 'Day of the snapshot that it holds for: its year';
COMMENT ON COLUMN gold_feature_table."as_of_day" IS 'Day of the snapshot that it holds for: its day of the year';
COMMENT ON COLUMN gold_feature_table."education_basic" IS '1 where education is basic, else 0';
COMMENT ON COLUMN gold_feature_table."education_graduation" IS '1 where education is graduation, else 0';
COMMENT ON COLUMN gold_feature_table."education_second_cycle" IS '1 where education is second_cycle, else 0';
COMMENT ON COLUMN gold_feature_table."education_master" IS '1 where education is master, else 0';
COMMENT ON COLUMN gold_feature_table."education_phd" IS '1 where education is phd, else 0';
COMMENT ON COLUMN gold_feature_table."marital_status_single" IS '1 where marital_status is single, else 0';
COMMENT ON COLUMN gold_feature_table."marital_status_together" IS '1 where marital_status is together, else 0';
COMMENT ON COLUMN gold_feature_table."marital_status_married" IS '1 where marital_status is married, else 0';
COMMENT ON COLUMN gold_feature_table."marital_status_divorced" IS '1 where marital_status is divorced, else 0';
COMMENT ON COLUMN gold_feature_table."marital_status_widow" IS '1 where marital_status is widow, else 0';
COMMENT ON COLUMN gold_feature_table."age" IS 'Age in the year of the snapshot';
COMMENT ON COLUMN gold_feature_table."tenure_days" IS 'Days from enrolment to the snapshot';
COMMENT ON COLUMN gold_feature_table."children" IS 'Children and teenagers in the household';
COMMENT ON COLUMN gold_feature_table."partnered" IS '1 where married or living together, else 0';
COMMENT ON COLUMN gold_feature_table."household_size" IS 'Customer, partner and children';
COMMENT ON COLUMN gold_feature_table."spend_total" IS 'Spend on all products in two years';
COMMENT ON COLUMN gold_feature_table."spend_share_wines" IS 'Share of the customer''s spend that goes to wines; 0 without spend';
COMMENT ON COLUMN gold_feature_table."spend_share_fruits" IS 'Share of the customer''s spend that goes to fruits; 0 without spend';
COMMENT ON COLUMN gold_feature_table."spend_share_meat" IS 'Share of the customer''s spend that goes to meat; 0 without spend';
COMMENT ON COLUMN gold_feature_table."spend_share_fish" IS 'Share of the customer''s spend that goes to fish; 0 without spend';
COMMENT ON COLUMN gold_feature_table."spend_share_sweets" IS 'Share of the customer''s spend that goes to sweets; 0 without spend';
COMMENT ON COLUMN gold_feature_table."spend_share_gold" IS 'Share of the customer''s spend that goes to gold; 0 without spend';
COMMENT ON COLUMN gold_feature_table."spend_to_income" IS 'Two-year spend over yearly income; 0 without income';
COMMENT ON COLUMN gold_feature_table."purchases_total" IS 'Purchases through all channels';
COMMENT ON COLUMN gold_feature_table."purchase_share_web" IS 'Share of purchases made through the web channel; 0 without purchases';
COMMENT ON COLUMN gold_feature_table."purchase_share_catalog" IS 'Share of purchases made through the catalog channel; 0 without purchases';
COMMENT ON COLUMN gold_feature_table."purchase_share_store" IS 'Share of purchases made through the store channel; 0 without purchases';
COMMENT ON COLUMN gold_feature_table."deal_share" IS 'Purchases with a discount over purchases through all channels; 0 without purchases';
COMMENT ON COLUMN gold_feature_table."average_basket" IS 'Average spend a purchase; 0 without purchases';
COMMENT ON COLUMN gold_feature_table."campaigns_accepted" IS 'Offers of the first five campaigns that were accepted';
COMMENT ON COLUMN gold_feature_table."income_standardised" IS 'income as the segmenter sees it';
COMMENT ON COLUMN gold_feature_table."age_standardised" IS 'age as the segmenter sees it';
COMMENT ON COLUMN gold_feature_table."spend_total_standardised" IS 'spend_total as the segmenter sees it';
COMMENT ON COLUMN gold_feature_table."purchases_deals_standardised" IS 'purchases_deals as the segmenter sees it';
COMMENT ON COLUMN gold_feature_table."web_visits_month_standardised" IS 'web_visits_month as the segmenter sees it';

SET VARIABLE gold_feature_history = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "customer_id" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/feature_history/*.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/feature_history/*.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_feature_history AS
SELECT
  CAST("customer_id" AS VARCHAR) AS "customer_id",
  CAST("event_timestamp" AS TIMESTAMP) AS "event_timestamp",
  CAST("year_birth" AS DOUBLE) AS "year_birth",
  CAST("education" AS DOUBLE) AS "education",
  CAST("marital_status" AS DOUBLE) AS "marital_status",
  CAST("income" AS DOUBLE) AS "income",
  CAST("kids_home" AS DOUBLE) AS "kids_home",
  CAST("teens_home" AS DOUBLE) AS "teens_home",
  CAST("enrolled_year" AS DOUBLE) AS "enrolled_year",
  CAST("enrolled_day" AS DOUBLE) AS "enrolled_day",
  CAST("recency_days" AS DOUBLE) AS "recency_days",
  CAST("spend_wines" AS DOUBLE) AS "spend_wines",
  CAST("spend_fruits" AS DOUBLE) AS "spend_fruits",
  CAST("spend_meat" AS DOUBLE) AS "spend_meat",
  CAST("spend_fish" AS DOUBLE) AS "spend_fish",
  CAST("spend_sweets" AS DOUBLE) AS "spend_sweets",
  CAST("spend_gold" AS DOUBLE) AS "spend_gold",
  CAST("purchases_deals" AS DOUBLE) AS "purchases_deals",
  CAST("purchases_web" AS DOUBLE) AS "purchases_web",
  CAST("purchases_catalog" AS DOUBLE) AS "purchases_catalog",
  CAST("purchases_store" AS DOUBLE) AS "purchases_store",
  CAST("web_visits_month" AS DOUBLE) AS "web_visits_month",
  CAST("accepted_campaign_1" AS DOUBLE) AS "accepted_campaign_1",
  CAST("accepted_campaign_2" AS DOUBLE) AS "accepted_campaign_2",
  CAST("accepted_campaign_3" AS DOUBLE) AS "accepted_campaign_3",
  CAST("accepted_campaign_4" AS DOUBLE) AS "accepted_campaign_4",
  CAST("accepted_campaign_5" AS DOUBLE) AS "accepted_campaign_5",
  CAST("responded" AS DOUBLE) AS "responded",
  CAST("complained" AS DOUBLE) AS "complained",
  CAST("as_of_year" AS DOUBLE) AS "as_of_year",
  CAST("as_of_day" AS DOUBLE) AS "as_of_day",
  CAST("education_basic" AS DOUBLE) AS "education_basic",
  CAST("education_graduation" AS DOUBLE) AS "education_graduation",
  CAST("education_second_cycle" AS DOUBLE) AS "education_second_cycle",
  CAST("education_master" AS DOUBLE) AS "education_master",
  CAST("education_phd" AS DOUBLE) AS "education_phd",
  CAST("marital_status_single" AS DOUBLE) AS "marital_status_single",
  CAST("marital_status_together" AS DOUBLE) AS "marital_status_together",
  CAST("marital_status_married" AS DOUBLE) AS "marital_status_married",
  CAST("marital_status_divorced" AS DOUBLE) AS "marital_status_divorced",
  CAST("marital_status_widow" AS DOUBLE) AS "marital_status_widow",
  CAST("age" AS DOUBLE) AS "age",
  CAST("tenure_days" AS DOUBLE) AS "tenure_days",
  CAST("children" AS DOUBLE) AS "children",
  CAST("partnered" AS DOUBLE) AS "partnered",
  CAST("household_size" AS DOUBLE) AS "household_size",
  CAST("spend_total" AS DOUBLE) AS "spend_total",
  CAST("spend_share_wines" AS DOUBLE) AS "spend_share_wines",
  CAST("spend_share_fruits" AS DOUBLE) AS "spend_share_fruits",
  CAST("spend_share_meat" AS DOUBLE) AS "spend_share_meat",
  CAST("spend_share_fish" AS DOUBLE) AS "spend_share_fish",
  CAST("spend_share_sweets" AS DOUBLE) AS "spend_share_sweets",
  CAST("spend_share_gold" AS DOUBLE) AS "spend_share_gold",
  CAST("spend_to_income" AS DOUBLE) AS "spend_to_income",
  CAST("purchases_total" AS DOUBLE) AS "purchases_total",
  CAST("purchase_share_web" AS DOUBLE) AS "purchase_share_web",
  CAST("purchase_share_catalog" AS DOUBLE) AS "purchase_share_catalog",
  CAST("purchase_share_store" AS DOUBLE) AS "purchase_share_store",
  CAST("deal_share" AS DOUBLE) AS "deal_share",
  CAST("average_basket" AS DOUBLE) AS "average_basket",
  CAST("campaigns_accepted" AS DOUBLE) AS "campaigns_accepted",
  CAST("income_standardised" AS DOUBLE) AS "income_standardised",
  CAST("age_standardised" AS DOUBLE) AS "age_standardised",
  CAST("spend_total_standardised" AS DOUBLE) AS "spend_total_standardised",
  CAST("purchases_deals_standardised" AS DOUBLE) AS "purchases_deals_standardised",
  CAST("web_visits_month_standardised" AS DOUBLE) AS "web_visits_month_standardised",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("feature_version" AS BIGINT) AS "feature_version",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version",
  CAST("created_timestamp" AS TIMESTAMP) AS "created_timestamp",
  CAST("recorded_at" AS VARCHAR) AS "recorded_at",
  CAST("run_id" AS VARCHAR) AS "run_id"
FROM (SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS TIMESTAMP) AS "event_timestamp", CAST(NULL AS DOUBLE) AS "year_birth", CAST(NULL AS DOUBLE) AS "education", CAST(NULL AS DOUBLE) AS "marital_status", CAST(NULL AS DOUBLE) AS "income", CAST(NULL AS DOUBLE) AS "kids_home", CAST(NULL AS DOUBLE) AS "teens_home", CAST(NULL AS DOUBLE) AS "enrolled_year", CAST(NULL AS DOUBLE) AS "enrolled_day", CAST(NULL AS DOUBLE) AS "recency_days", CAST(NULL AS DOUBLE) AS "spend_wines", CAST(NULL AS DOUBLE) AS "spend_fruits", CAST(NULL AS DOUBLE) AS "spend_meat", CAST(NULL AS DOUBLE) AS "spend_fish", CAST(NULL AS DOUBLE) AS "spend_sweets", CAST(NULL AS DOUBLE) AS "spend_gold", CAST(NULL AS DOUBLE) AS "purchases_deals", CAST(NULL AS DOUBLE) AS "purchases_web", CAST(NULL AS DOUBLE) AS "purchases_catalog", CAST(NULL AS DOUBLE) AS "purchases_store", CAST(NULL AS DOUBLE) AS "web_visits_month", CAST(NULL AS DOUBLE) AS "accepted_campaign_1", CAST(NULL AS DOUBLE) AS "accepted_campaign_2", CAST(NULL AS DOUBLE) AS "accepted_campaign_3", CAST(NULL AS DOUBLE) AS "accepted_campaign_4", CAST(NULL AS DOUBLE) AS "accepted_campaign_5", CAST(NULL AS DOUBLE) AS "responded", CAST(NULL AS DOUBLE) AS "complained", CAST(NULL AS DOUBLE) AS "as_of_year", CAST(NULL AS DOUBLE) AS "as_of_day", CAST(NULL AS DOUBLE) AS "education_basic", CAST(NULL AS DOUBLE) AS "education_graduation", CAST(NULL AS DOUBLE) AS "education_second_cycle", CAST(NULL AS DOUBLE) AS "education_master", CAST(NULL AS DOUBLE) AS "education_phd", CAST(NULL AS DOUBLE) AS "marital_status_single", CAST(NULL AS DOUBLE) AS "marital_status_together", CAST(NULL AS DOUBLE) AS "marital_status_married", CAST(NULL AS DOUBLE) AS "marital_status_divorced", CAST(NULL AS DOUBLE) AS "marital_status_widow", CAST(NULL AS DOUBLE) AS "age", CAST(NULL AS DOUBLE) AS "tenure_days", CAST(NULL AS DOUBLE) AS "children", CAST(NULL AS DOUBLE) AS "partnered", CAST(NULL AS DOUBLE) AS "household_size", CAST(NULL AS DOUBLE) AS "spend_total", CAST(NULL AS DOUBLE) AS "spend_share_wines", CAST(NULL AS DOUBLE) AS "spend_share_fruits", CAST(NULL AS DOUBLE) AS "spend_share_meat", CAST(NULL AS DOUBLE) AS "spend_share_fish", CAST(NULL AS DOUBLE) AS "spend_share_sweets", CAST(NULL AS DOUBLE) AS "spend_share_gold", CAST(NULL AS DOUBLE) AS "spend_to_income", CAST(NULL AS DOUBLE) AS "purchases_total", CAST(NULL AS DOUBLE) AS "purchase_share_web", CAST(NULL AS DOUBLE) AS "purchase_share_catalog", CAST(NULL AS DOUBLE) AS "purchase_share_store", CAST(NULL AS DOUBLE) AS "deal_share", CAST(NULL AS DOUBLE) AS "average_basket", CAST(NULL AS DOUBLE) AS "campaigns_accepted", CAST(NULL AS DOUBLE) AS "income_standardised", CAST(NULL AS DOUBLE) AS "age_standardised", CAST(NULL AS DOUBLE) AS "spend_total_standardised", CAST(NULL AS DOUBLE) AS "purchases_deals_standardised", CAST(NULL AS DOUBLE) AS "web_visits_month_standardised", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS BIGINT) AS "feature_version", CAST(NULL AS VARCHAR) AS "artifact_version", CAST(NULL AS TIMESTAMP) AS "created_timestamp", CAST(NULL AS VARCHAR) AS "recorded_at", CAST(NULL AS VARCHAR) AS "run_id" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_feature_history')));
COMMENT ON VIEW gold_feature_history IS 'One row a customer and statement: features on a day, as was known';
COMMENT ON COLUMN gold_feature_history."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_feature_history."event_timestamp" IS 'Day of the snapshot that the features hold for';
COMMENT ON COLUMN gold_feature_history."year_birth" IS 'Year of birth';
COMMENT ON COLUMN gold_feature_history."education" IS 'Highest education; codes 0 to 4';
COMMENT ON COLUMN gold_feature_history."marital_status" IS 'Marital status; codes 0 to 4';
COMMENT ON COLUMN gold_feature_history."income" IS 'Yearly income of the household';
COMMENT ON COLUMN gold_feature_history."kids_home" IS 'Small children in the household';
COMMENT ON COLUMN gold_feature_history."teens_home" IS 'Teenagers in the household';
COMMENT ON COLUMN gold_feature_history."enrolled_year" IS 'Day the customer enrolled: its year';
COMMENT ON COLUMN gold_feature_history."enrolled_day" IS 'Day the customer enrolled: its day of the year';
COMMENT ON COLUMN gold_feature_history."recency_days" IS 'Days since the last purchase';
COMMENT ON COLUMN gold_feature_history."spend_wines" IS 'Spend on wines in two years';
COMMENT ON COLUMN gold_feature_history."spend_fruits" IS 'Spend on fruits in two years';
COMMENT ON COLUMN gold_feature_history."spend_meat" IS 'Spend on meat in two years';
COMMENT ON COLUMN gold_feature_history."spend_fish" IS 'Spend on fish in two years';
COMMENT ON COLUMN gold_feature_history."spend_sweets" IS 'Spend on sweets in two years';
COMMENT ON COLUMN gold_feature_history."spend_gold" IS 'Spend on gold in two years';
COMMENT ON COLUMN gold_feature_history."purchases_deals" IS 'Purchases made with a discount';
COMMENT ON COLUMN gold_feature_history."purchases_web" IS 'Purchases through the web channel';
COMMENT ON COLUMN gold_feature_history."purchases_catalog" IS 'Purchases through the catalog channel';
COMMENT ON COLUMN gold_feature_history."purchases_store" IS 'Purchases through the store channel';
COMMENT ON COLUMN gold_feature_history."web_visits_month" IS 'Visits to the web site in the last month';
COMMENT ON COLUMN gold_feature_history."accepted_campaign_1" IS 'Accepted the offer of campaign 1';
COMMENT ON COLUMN gold_feature_history."accepted_campaign_2" IS 'Accepted the offer of campaign 2';
COMMENT ON COLUMN gold_feature_history."accepted_campaign_3" IS 'Accepted the offer of campaign 3';
COMMENT ON COLUMN gold_feature_history."accepted_campaign_4" IS 'Accepted the offer of campaign 4';
COMMENT ON COLUMN gold_feature_history."accepted_campaign_5" IS 'Accepted the offer of campaign 5';
COMMENT ON COLUMN gold_feature_history."responded" IS 'Accepted the offer of the last campaign';
COMMENT ON COLUMN gold_feature_history."complained" IS 'Complained in the last two years';
COMMENT ON COLUMN gold_feature_history."as_of_year" IS 'Day of the snapshot that it holds for: its year';
COMMENT ON COLUMN gold_feature_history."as_of_day" IS 'Day of the snapshot that it holds for: its day of the year';
COMMENT ON COLUMN gold_feature_history."education_basic" IS '1 where education is basic, else 0';
COMMENT ON COLUMN gold_feature_history."education_graduation" IS '1 where education is graduation, else 0';
COMMENT ON COLUMN gold_feature_history."education_second_cycle" IS '1 where education is second_cycle, else 0';
COMMENT ON COLUMN gold_feature_history."education_master" IS '1 where education is master, else 0';
COMMENT ON COLUMN gold_feature_history."education_phd" IS '1 where education is phd, else 0';
COMMENT ON COLUMN gold_feature_history."marital_status_single" IS '1 where marital_status is single, else 0';
COMMENT ON COLUMN gold_feature_history."marital_status_together" IS '1 where marital_status is together, else 0';
COMMENT ON COLUMN gold_feature_history."marital_status_married" IS '1 where marital_status is married, else 0';
COMMENT ON COLUMN gold_feature_history."marital_status_divorced" IS '1 where marital_status is divorced, else 0';
COMMENT ON COLUMN gold_feature_history."marital_status_widow" IS '1 where marital_status is widow, else 0';
COMMENT ON COLUMN gold_feature_history."age" IS 'Age in the year of the snapshot';
COMMENT ON COLUMN gold_feature_history."tenure_days" IS 'Days from enrolment to the snapshot';
COMMENT ON COLUMN gold_feature_history."children" IS 'Children and teenagers in the household';
COMMENT ON COLUMN gold_feature_history."partnered" IS '1 where married or living together, else 0';
COMMENT ON COLUMN gold_feature_history."household_size" IS 'Customer, partner and children';
COMMENT ON COLUMN gold_feature_history."spend_total" IS 'Spend on all products in two years';
COMMENT ON COLUMN gold_feature_history."spend_share_wines" IS 'Share of the customer''s spend that goes to wines; 0 without spend';
COMMENT ON COLUMN gold_feature_history."spend_share_fruits" IS 'Share of the customer''s spend that goes to fruits; 0 without spend';
COMMENT ON COLUMN gold_feature_history."spend_share_meat" IS 'Share of the customer''s spend that goes to meat; 0 without spend';
COMMENT ON COLUMN gold_feature_history."spend_share_fish" IS 'Share of the customer''s spend that goes to fish; 0 without spend';
COMMENT ON COLUMN gold_feature_history."spend_share_sweets" IS 'Share of the customer''s spend that goes to sweets; 0 without spend';
COMMENT ON COLUMN gold_feature_history."spend_share_gold" IS 'Share of the customer''s spend that goes to gold; 0 without spend';
COMMENT ON COLUMN gold_feature_history."spend_to_income" IS 'Two-year spend over yearly income; 0 without income';
COMMENT ON COLUMN gold_feature_history."purchases_total" IS 'Purchases through all channels';
COMMENT ON COLUMN gold_feature_history."purchase_share_web" IS 'Share of purchases made through the web channel; 0 without purchases';
COMMENT ON COLUMN gold_feature_history."purchase_share_catalog" IS 'Share of purchases made through the catalog channel; 0 without purchases';
COMMENT ON COLUMN gold_feature_history."purchase_share_store" IS 'Share of purchases made through the store channel; 0 without purchases';
COMMENT ON COLUMN gold_feature_history."deal_share" IS 'Purchases with a discount over purchases through all channels; 0 without purchases';
COMMENT ON COLUMN gold_feature_history."average_basket" IS 'Average spend a purchase; 0 without purchases';
COMMENT ON COLUMN gold_feature_history."campaigns_accepted" IS 'Offers of the first five campaigns that were accepted';
COMMENT ON COLUMN gold_feature_history."income_standardised" IS 'income as the segmenter sees it';
COMMENT ON COLUMN gold_feature_history."age_standardised" IS 'age as the segmenter sees it';
COMMENT ON COLUMN gold_feature_history."spend_total_standardised" IS 'spend_total as the segmenter sees it';
COMMENT ON COLUMN gold_feature_history."purchases_deals_standardised" IS 'purchases_deals as the segmenter sees it';
COMMENT ON COLUMN gold_feature_history."web_visits_month_standardised" IS 'web_visits_month as the segmenter sees it';
COMMENT ON COLUMN gold_feature_history."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_feature_history."feature_version" IS 'Version of the features'' definitions';
COMMENT ON COLUMN gold_feature_history."artifact_version" IS 'Version of the model that said so';
COMMENT ON COLUMN gold_feature_history."created_timestamp" IS 'When it was recorded, UTC';
COMMENT ON COLUMN gold_feature_history."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';
COMMENT ON COLUMN gold_feature_history."run_id" IS 'Run or stream that said so';

SET VARIABLE gold_campaign_results = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "campaign" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/campaign_results.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/campaign_results.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_campaign_results AS
SELECT
  CAST("campaign" AS VARCHAR) AS "campaign",
  CAST("outcome" AS VARCHAR) AS "outcome",
  CAST("level" AS VARCHAR) AS "level",
  CAST("segment" AS VARCHAR) AS "segment",
  CAST("offer" AS VARCHAR) AS "offer",
  CAST("contacted" AS BIGINT) AS "contacted",
  CAST("held_out" AS BIGINT) AS "held_out",
  CAST("mean_contacted" AS DOUBLE) AS "mean_contacted",
  CAST("mean_held_out" AS DOUBLE) AS "mean_held_out",
  CAST("incremental" AS DOUBLE) AS "incremental",
  CAST("low" AS DOUBLE) AS "low",
  CAST("high" AS DOUBLE) AS "high",
  CAST("cost" AS DOUBLE) AS "cost",
  CAST("profit" AS DOUBLE) AS "profit",
  CAST("profit_low" AS DOUBLE) AS "profit_low",
  CAST("profit_high" AS DOUBLE) AS "profit_high",
  CAST("verdict" AS VARCHAR) AS "verdict"
FROM (SELECT CAST(NULL AS VARCHAR) AS "campaign", CAST(NULL AS VARCHAR) AS "outcome", CAST(NULL AS VARCHAR) AS "level", CAST(NULL AS VARCHAR) AS "segment", CAST(NULL AS VARCHAR) AS "offer", CAST(NULL AS BIGINT) AS "contacted", CAST(NULL AS BIGINT) AS "held_out", CAST(NULL AS DOUBLE) AS "mean_contacted", CAST(NULL AS DOUBLE) AS "mean_held_out", CAST(NULL AS DOUBLE) AS "incremental", CAST(NULL AS DOUBLE) AS "low", CAST(NULL AS DOUBLE) AS "high", CAST(NULL AS DOUBLE) AS "cost", CAST(NULL AS DOUBLE) AS "profit", CAST(NULL AS DOUBLE) AS "profit_low", CAST(NULL AS DOUBLE) AS "profit_high", CAST(NULL AS VARCHAR) AS "verdict" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_campaign_results')));
COMMENT ON VIEW gold_campaign_results IS 'One row an outcome and part of a campaign: what it brought';
COMMENT ON COLUMN gold_campaign_results."campaign" IS 'Name of the campaign';
COMMENT ON COLUMN gold_campaign_results."outcome" IS 'Name of the outcome';
COMMENT ON COLUMN gold_campaign_results."level" IS 'The parts that the row is one of';
COMMENT ON COLUMN gold_campaign_results."segment" IS 'Key of the segment; empty for all';
COMMENT ON COLUMN gold_campaign_results."offer" IS 'The offer; empty for all';
COMMENT ON COLUMN gold_campaign_results."contacted" IS 'Customers who got an offer';
COMMENT ON COLUMN gold_campaign_results."held_out" IS 'Customers who would have got one';
COMMENT ON COLUMN gold_campaign_results."mean_contacted" IS 'Mean outcome of the contacted';
COMMENT ON COLUMN gold_campaign_results."mean_held_out" IS 'Mean outcome of the held-out';
COMMENT ON COLUMN gold_campaign_results."incremental" IS 'What the contacted did beyond what they would have done alone, in all';
COMMENT ON COLUMN gold_campaign_results."low" IS 'Lower bound of its 95 % interval';
COMMENT ON COLUMN gold_campaign_results."high" IS 'Upper bound of its 95 % interval';
COMMENT ON COLUMN gold_campaign_results."cost" IS 'Cost of the contacts';
COMMENT ON COLUMN gold_campaign_results."profit" IS 'Worth of the increment less the cost';
COMMENT ON COLUMN gold_campaign_results."profit_low" IS 'Lower bound of its 95 % interval';
COMMENT ON COLUMN gold_campaign_results."profit_high" IS 'Upper bound of its 95 % interval';
COMMENT ON COLUMN gold_campaign_results."verdict" IS 'What the interval allows to say';

SET VARIABLE gold_monitoring = (
  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS "source" WHERE FALSE'
    ELSE 'FROM read_parquet(''' || replace(getvariable('data') || '/gold/monitoring/*.parquet', '''', '''''')
      || ''', union_by_name = true)' END
  FROM glob(getvariable('data') || '/gold/monitoring/*.parquet'));

CREATE OR REPLACE TEMPORARY VIEW gold_monitoring AS
SELECT
  CAST("source" AS VARCHAR) AS "source",
  CAST("window_start" AS VARCHAR) AS "window_start",
  CAST("window_end" AS VARCHAR) AS "window_end",
  CAST("subject" AS VARCHAR) AS "subject",
  CAST("name" AS VARCHAR) AS "name",
  CAST("measure" AS VARCHAR) AS "measure",
  CAST("value" AS DOUBLE) AS "value",
  CAST("bound" AS DOUBLE) AS "bound",
  CAST("is_alarm" AS BIGINT) AS "is_alarm",
  CAST("since" AS VARCHAR) AS "since",
  CAST("affected" AS BIGINT) AS "affected",
  CAST("money" AS DOUBLE) AS "money",
  CAST("customers" AS BIGINT) AS "customers",
  CAST("artifact_version" AS VARCHAR) AS "artifact_version",
  CAST("as_of" AS TIMESTAMP) AS "as_of",
  CAST("recorded_at" AS VARCHAR) AS "recorded_at",
  CAST("run_id" AS VARCHAR) AS "run_id"
FROM (SELECT CAST(NULL AS VARCHAR) AS "source", CAST(NULL AS VARCHAR) AS "window_start", CAST(NULL AS VARCHAR) AS "window_end", CAST(NULL AS VARCHAR) AS "subject", CAST(NULL AS VARCHAR) AS "name", CAST(NULL AS VARCHAR) AS "measure", CAST(NULL AS DOUBLE) AS "value", CAST(NULL AS DOUBLE) AS "bound", CAST(NULL AS BIGINT) AS "is_alarm", CAST(NULL AS VARCHAR) AS "since", CAST(NULL AS BIGINT) AS "affected", CAST(NULL AS DOUBLE) AS "money", CAST(NULL AS BIGINT) AS "customers", CAST(NULL AS VARCHAR) AS "artifact_version", CAST(NULL AS TIMESTAMP) AS "as_of", CAST(NULL AS VARCHAR) AS "recorded_at", CAST(NULL AS VARCHAR) AS "run_id" WHERE FALSE
  UNION ALL BY NAME FROM query(getvariable('gold_monitoring')));
COMMENT ON VIEW gold_monitoring IS 'One row a figure of a window: how it is against the champion''s baseline';
COMMENT ON COLUMN gold_monitoring."source" IS 'Where: batch, api or stream';
COMMENT ON COLUMN gold_monitoring."window_start" IS 'Start of the window, UTC; of a batch, its day';
COMMENT ON COLUMN gold_monitoring."window_end" IS 'End of the window, likewise';
COMMENT ON COLUMN gold_monitoring."subject" IS 'What it is about: input, segment, response, rows, service';
COMMENT ON COLUMN gold_monitoring."name" IS 'Which one, such as a column or a segment; empty for all';
COMMENT ON COLUMN gold_monitoring."measure" IS 'The figure, such as psi or missing_share';
COMMENT ON COLUMN gold_monitoring."value" IS 'Its value; missing where it cannot be told';
COMMENT ON COLUMN gold_monitoring."bound" IS 'Beyond which it is an alarm; missing if only told';
COMMENT ON COLUMN gold_monitoring."is_alarm" IS '1 if it is beyond its bound';
COMMENT ON COLUMN gold_monitoring."since" IS 'Start of the first window in a row beyond; else empty';
COMMENT ON COLUMN gold_monitoring."affected" IS 'Customers whom it is about';
COMMENT ON COLUMN gold_monitoring."money" IS 'What it is thought to cost a window; missing if unknown';
COMMENT ON COLUMN gold_monitoring."customers" IS 'Customers of the window';
COMMENT ON COLUMN gold_monitoring."artifact_version" IS 'Version of the model that the baseline is of';
COMMENT ON COLUMN gold_monitoring."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_monitoring."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';
COMMENT ON COLUMN gold_monitoring."run_id" IS 'Run or stream that said so';

CREATE OR REPLACE TEMPORARY VIEW customer_profile AS
SELECT
  s."customer_id",
  CAST(s.as_of AS DATE) AS as_of,
  s."segment",
  s."segment_name",
  s."segment_id",
  s."runner_up",
  s."margin",
  s."affluence_tier",
  s."waits_for_offers",
  s."likely_to_spend",
  s."product",
  s."channel",
  s."offer",
  s."artifact_version",
  f."year_birth",
  CASE f."education"
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
  END AS "education",
  CASE f."marital_status"
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
  END AS "marital_status",
  f."income",
  f."kids_home",
  f."teens_home",
  f."enrolled_year",
  f."enrolled_day",
  f."recency_days",
  f."spend_wines",
  f."spend_fruits",
  f."spend_meat",
  f."spend_fish",
  f."spend_sweets",
  f."spend_gold",
  f."purchases_deals",
  f."purchases_web",
  f."purchases_catalog",
  f."purchases_store",
  f."web_visits_month",
  f."accepted_campaign_1",
  f."accepted_campaign_2",
  f."accepted_campaign_3",
  f."accepted_campaign_4",
  f."accepted_campaign_5",
  f."responded",
  f."complained",
  f."as_of_year",
  f."as_of_day",
  f."education_basic",
  f."education_graduation",
  f."education_second_cycle",
  f."education_master",
  f."education_phd",
  f."marital_status_single",
  f."marital_status_together",
  f."marital_status_married",
  f."marital_status_divorced",
  f."marital_status_widow",
  f."age",
  f."tenure_days",
  f."children",
  f."partnered",
  f."household_size",
  f."spend_total",
  f."spend_share_wines",
  f."spend_share_fruits",
  f."spend_share_meat",
  f."spend_share_fish",
  f."spend_share_sweets",
  f."spend_share_gold",
  f."spend_to_income",
  f."purchases_total",
  f."purchase_share_web",
  f."purchase_share_catalog",
  f."purchase_share_store",
  f."deal_share",
  f."average_basket",
  f."campaigns_accepted"
FROM gold_segments AS s
JOIN gold_features AS f
  ON f.customer_id = s.customer_id;
COMMENT ON VIEW customer_profile IS 'One row a customer with a segment: segment, decisions and all that is known of them';

CREATE OR REPLACE TEMPORARY VIEW current_segments AS
SELECT
  segment,
  segment_name,
  CAST(MAX(as_of) AS DATE) AS as_of,
  COUNT(*) AS customers,
  CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share,
  AVG(margin) AS mean_margin,
  CAST(SUM(CASE WHEN margin < 0.1 THEN 1 ELSE 0 END) AS BIGINT) AS near_the_border
FROM gold_segments
GROUP BY
  segment,
  segment_name;
COMMENT ON VIEW current_segments IS 'One row a segment now: customers, share, and how many have a margin below 0.1';

CREATE OR REPLACE TEMPORARY VIEW segment_days AS
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
  AND told.segment <> 'left';
COMMENT ON VIEW segment_days IS 'One row a customer and day: where they were, as was said last of that day';

CREATE OR REPLACE TEMPORARY VIEW segment_sizes AS
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
  segment_name;
COMMENT ON VIEW segment_sizes IS 'One row a day and segment: customers and share of all with a segment';

CREATE OR REPLACE TEMPORARY VIEW segment_moves AS
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
  earlier.segment <> later.segment;
COMMENT ON VIEW segment_moves IS 'One row a customer who is elsewhere than on the day before that the history tells of';

CREATE OR REPLACE TEMPORARY VIEW campaign_profit AS
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
FROM gold_campaign_results;
COMMENT ON VIEW campaign_profit IS 'One row an outcome and part of a campaign: what it brought, and the interval';

CREATE OR REPLACE TEMPORARY VIEW rows_without_segment AS
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
  SPLIT_PART(u.reasons, '; ', places.place) <> '';
COMMENT ON VIEW rows_without_segment IS 'One row a row of the source and reason for which it has no segment';

CREATE OR REPLACE TEMPORARY VIEW freshness AS
SELECT
  'gold_segments' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS TEXT) AS artifact_version,
  CAST(NULL AS TEXT) AS recorded_at
FROM gold_segments
UNION ALL
SELECT
  'gold_features' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(NULL AS TEXT) AS artifact_version,
  CAST(NULL AS TEXT) AS recorded_at
FROM gold_features
UNION ALL
SELECT
  'gold_unsegmented' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS TEXT) AS artifact_version,
  CAST(NULL AS TEXT) AS recorded_at
FROM gold_unsegmented
UNION ALL
SELECT
  'gold_lifetime_value' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(NULL AS TEXT) AS artifact_version,
  CAST(NULL AS TEXT) AS recorded_at
FROM gold_lifetime_value
UNION ALL
SELECT
  'gold_movers' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS TEXT) AS artifact_version,
  CAST(NULL AS TEXT) AS recorded_at
FROM gold_movers
UNION ALL
SELECT
  'gold_campaign' AS table_name,
  COUNT(*) AS row_count,
  CAST(MAX(as_of) AS DATE) AS as_of,
  CAST(MAX(artifact_version) AS TEXT) AS artifact_version,
  CAST(NULL AS TEXT) AS recorded_at
FROM gold_campaign
UNION ALL
SELECT
  'gold_history',
  COUNT(*),
  CAST(MAX(as_of) AS DATE),
  CAST(NULL AS TEXT),
  MAX(recorded_at)
FROM gold_history
UNION ALL
SELECT
  'gold_moves',
  COUNT(*),
  CAST(MAX(as_of) AS DATE),
  CAST(NULL AS TEXT),
  MAX(recorded_at)
FROM gold_moves;
COMMENT ON VIEW freshness IS 'One row a gold table that is of a day: its rows and its last day';
