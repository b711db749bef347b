-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

CREATE EXTERNAL SCHEMA IF NOT EXISTS lake
FROM DATA CATALOG DATABASE '<lake-database>'
IAM_ROLE DEFAULT
CREATE EXTERNAL DATABASE IF NOT EXISTS;

CREATE EXTERNAL TABLE lake.gold_features (
  "customer_id" varchar(max),
  "as_of" timestamp,
  "sample_key" bigint,
  "year_birth" double precision,
  "education" double precision,
  "marital_status" double precision,
  "income" double precision,
  "kids_home" double precision,
  "teens_home" double precision,
  "enrolled_year" double precision,
  "enrolled_day" double precision,
  "recency_days" double precision,
  "spend_wines" double precision,
  "spend_fruits" double precision,
  "spend_meat" double precision,
  "spend_fish" double precision,
  "spend_sweets" double precision,
  "spend_gold" double precision,
  "purchases_deals" double precision,
  "purchases_web" double precision,
  "purchases_catalog" double precision,
  "purchases_store" double precision,
  "web_visits_month" double precision,
  "accepted_campaign_1" double precision,
  "accepted_campaign_2" double precision,
  "accepted_campaign_3" double precision,
  "accepted_campaign_4" double precision,
  "accepted_campaign_5" double precision,
  "responded" double precision,
  "complained" double precision,
  "as_of_year" double precision,
  "as_of_day" double precision,
  "education_basic" double precision,
  "education_graduation" double precision,
  "education_second_cycle" double precision,
  "education_master" double precision,
  "education_phd" double precision,
  "marital_status_single" double precision,
  "marital_status_together" double precision,
  "marital_status_married" double precision,
  "marital_status_divorced" double precision,
  "marital_status_widow" double precision,
  "age" double precision,
  "tenure_days" double precision,
  "children" double precision,
  "partnered" double precision,
  "household_size" double precision,
  "spend_total" double precision,
  "spend_share_wines" double precision,
  "spend_share_fruits" double precision,
  "spend_share_meat" double precision,
  "spend_share_fish" double precision,
  "spend_share_sweets" double precision,
  "spend_share_gold" double precision,
  "spend_to_income" double precision,
  "purchases_total" double precision,
  "purchase_share_web" double precision,
  "purchase_share_catalog" double precision,
  "purchase_share_store" double precision,
  "deal_share" double precision,
  "average_basket" double precision,
  "campaigns_accepted" double precision
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_features/';

CREATE EXTERNAL TABLE lake.gold_segments (
  "customer_id" varchar(max),
  "as_of" timestamp,
  "segment" varchar(max),
  "segment_name" varchar(max),
  "segment_id" bigint,
  "runner_up" varchar(max),
  "margin" double precision,
  "affluence_tier" varchar(max),
  "waits_for_offers" varchar(max),
  "likely_to_spend" double precision,
  "product" varchar(max),
  "channel" varchar(max),
  "offer" varchar(max),
  "artifact_version" varchar(max)
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_segments/';

CREATE EXTERNAL TABLE lake.gold_unsegmented (
  "customer_id" varchar(max),
  "row_number" bigint,
  "segment" varchar(max),
  "reasons" varchar(max),
  "as_of" timestamp,
  "artifact_version" varchar(max)
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_unsegmented/';

CREATE EXTERNAL TABLE lake.gold_segment_profiles (
  "segment" varchar(max),
  "segment_name" varchar(max),
  "segment_id" bigint,
  "customers" bigint,
  "share" double precision,
  "measure" varchar(max),
  "mean" double precision,
  "base_mean" double precision,
  "index" double precision
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_segment_profiles/';

CREATE EXTERNAL TABLE lake.gold_history (
  "customer_id" varchar(max),
  "as_of" timestamp,
  "segment" varchar(max),
  "segment_name" varchar(max),
  "runner_up" varchar(max),
  "margin" double precision,
  "artifact_version" varchar(max),
  "run_id" varchar(max),
  "recorded_at" varchar(max)
)
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/history/';

CREATE EXTERNAL TABLE lake.gold_movers (
  "customer_id" varchar(max),
  "from_segment" varchar(max),
  "from_name" varchar(max),
  "from_artifact_version" varchar(max),
  "from_as_of" timestamp,
  "as_of" timestamp,
  "to_segment" varchar(max),
  "to_name" varchar(max),
  "artifact_version" varchar(max),
  "cause" varchar(max)
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_movers/';

CREATE EXTERNAL TABLE lake.gold_moves (
  "customer_id" varchar(max),
  "from_segment" varchar(max),
  "from_name" varchar(max),
  "to_segment" varchar(max),
  "to_name" varchar(max),
  "cause" varchar(max),
  "as_of" timestamp,
  "artifact_version" varchar(max),
  "recorded_at" varchar(max),
  "run_id" varchar(max)
)
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/moves/';

CREATE EXTERNAL TABLE lake.gold_campaign (
  "customer_id" varchar(max),
  "as_of" timestamp,
  "campaign" varchar(max),
  "campaign_day" timestamp,
  "segment" varchar(max),
  "offer" varchar(max),
  "channel" varchar(max),
  "cost" double precision,
  "p_response" double precision,
  "expected_profit" double precision,
  "is_contacted" bigint,
  "in_hold_out" bigint,
  "chance" double precision,
  "why" varchar(max),
  "may_get" varchar(max),
  "artifact_version" varchar(max)
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_campaign/';

CREATE EXTERNAL TABLE lake.gold_campaign_inputs (
  "customer_id" varchar(max),
  "campaign" varchar(max),
  "as_of" timestamp,
  "offer" varchar(max),
  "answer_factor" double precision,
  "chance" double precision,
  "p_response" double precision,
  "p_planned" double precision,
  "response_version" varchar(max),
  "input_year_birth" double precision,
  "input_education" double precision,
  "input_marital_status" double precision,
  "input_income" double precision,
  "input_kids_home" double precision,
  "input_teens_home" double precision,
  "input_enrolled_year" double precision,
  "input_enrolled_day" double precision,
  "input_recency_days" double precision,
  "input_spend_wines" double precision,
  "input_spend_fruits" double precision,
  "input_spend_meat" double precision,
  "input_spend_fish" double precision,
  "input_spend_sweets" double precision,
  "input_spend_gold" double precision,
  "input_purchases_deals" double precision,
  "input_purchases_web" double precision,
  "input_purchases_catalog" double precision,
  "input_purchases_store" double precision,
  "input_web_visits_month" double precision,
  "input_accepted_campaign_1" double precision,
  "input_accepted_campaign_2" double precision,
  "input_accepted_campaign_3" double precision,
  "input_accepted_campaign_4" double precision,
  "input_accepted_campaign_5" double precision,
  "input_responded" double precision,
  "input_complained" double precision,
  "input_as_of_year" double precision,
  "input_as_of_day" double precision,
  "recorded_at" varchar(max),
  "run_id" varchar(max)
)
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/campaign_inputs/';

CREATE EXTERNAL TABLE lake.gold_outcomes (
  "outcome_id" varchar(max),
  "revision" bigint,
  "customer_id" varchar(max),
  "campaign" varchar(max),
  "answered" double precision,
  "amount" double precision,
  "happened_at" varchar(max),
  "received_at" varchar(max),
  "sent_on" timestamp,
  "segment" varchar(max),
  "offer" varchar(max),
  "cost" double precision,
  "value" double precision,
  "in_hold_out" bigint,
  "p_response" double precision,
  "response_version" varchar(max),
  "recorded_at" varchar(max),
  "run_id" varchar(max)
)
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/outcomes/';

CREATE EXTERNAL TABLE lake.gold_lifetime_value (
  "customer_id" varchar(max),
  "as_of" timestamp,
  "probability_alive" double precision,
  "expected_purchases" double precision,
  "value_per_purchase" double precision,
  "lifetime_value" double precision
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_lifetime_value/';

CREATE EXTERNAL TABLE lake.gold_feature_table (
  "customer_id" varchar(max),
  "event_timestamp" timestamp,
  "year_birth" double precision,
  "education" double precision,
  "marital_status" double precision,
  "income" double precision,
  "kids_home" double precision,
  "teens_home" double precision,
  "enrolled_year" double precision,
  "enrolled_day" double precision,
  "recency_days" double precision,
  "spend_wines" double precision,
  "spend_fruits" double precision,
  "spend_meat" double precision,
  "spend_fish" double precision,
  "spend_sweets" double precision,
  "spend_gold" double precision,
  "purchases_deals" double precision,
  "purchases_web" double precision,
  "purchases_catalog" double precision,
  "purchases_store" double precision,
  "web_visits_month" double precision,
  "accepted_campaign_1" double precision,
  "accepted_campaign_2" double precision,
  "accepted_campaign_3" double precision,
  "accepted_campaign_4" double precision,
  "accepted_campaign_5" double precision,
  "responded" double precision,
  "complained" double precision,
  "as_of_year" double precision,
  "as_of_day" double precision,
  "education_basic" double precision,
  "education_graduation" double precision,
  "education_second_cycle" double precision,
  "education_master" double precision,
  "education_phd" double precision,
  "marital_status_single" double precision,
  "marital_status_together" double precision,
  "marital_status_married" double precision,
  "marital_status_divorced" double precision,
  "marital_status_widow" double precision,
  "age" double precision,
  "tenure_days" double precision,
  "children" double precision,
  "partnered" double precision,
  "household_size" double precision,
  "spend_total" double precision,
  "spend_share_wines" double precision,
  "spend_share_fruits" double precision,
  "spend_share_meat" double precision,
  "spend_share_fish" double precision,
  "spend_share_sweets" double precision,
  "spend_share_gold" double precision,
  "spend_to_income" double precision,
  "purchases_total" double precision,
  "purchase_share_web" double precision,
  "purchase_share_catalog" double precision,
  "purchase_share_store" double precision,
  "deal_share" double precision,
  "average_basket" double precision,
  "campaigns_accepted" double precision,
  "income_standardised" double precision,
  "age_standardised" double precision,
  "spend_total_standardised" double precision,
  "purchases_deals_standardised" double precision,
  "web_visits_month_standardised" double precision
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_feature_table/';

CREATE EXTERNAL TABLE lake.gold_feature_history (
  "customer_id" varchar(max),
  "event_timestamp" timestamp,
  "year_birth" double precision,
  "education" double precision,
  "marital_status" double precision,
  "income" double precision,
  "kids_home" double precision,
  "teens_home" double precision,
  "enrolled_year" double precision,
  "enrolled_day" double precision,
  "recency_days" double precision,
  "spend_wines" double precision,
  "spend_fruits" double precision,
  "spend_meat" double precision,
  "spend_fish" double precision,
  "spend_sweets" double precision,
  "spend_gold" double precision,
  "purchases_deals" double precision,
  "purchases_web" double precision,
  "purchases_catalog" double precision,
  "purchases_store" double precision,
  "web_visits_month" double precision,
  "accepted_campaign_1" double precision,
  "accepted_campaign_2" double precision,
  "accepted_campaign_3" double precision,
  "accepted_campaign_4" double precision,
  "accepted_campaign_5" double precision,
  "responded" double precision,
  "complained" double precision,
  "as_of_year" double precision,
  "as_of_day" double precision,
  "education_basic" double precision,
  "education_graduation" double precision,
  "education_second_cycle" double precision,
  "education_master" double precision,
  "education_phd" double precision,
  "marital_status_single" double precision,
  "marital_status_together" double precision,
  "marital_status_married" double precision,
  "marital_status_divorced" double precision,
  "marital_status_widow" double precision,
  "age" double precision,
  "tenure_days" double precision,
  "children" double precision,
  "partnered" double precision,
  "household_size" double precision,
  "spend_total" double precision,
  "spend_share_wines" double precision,
  "spend_share_fruits" double precision,
  "spend_share_meat" double precision,
  "spend_share_fish" double precision,
  "spend_share_sweets" double precision,
  "spend_share_gold" double precision,
  "spend_to_income" double precision,
  "purchases_total" double precision,
  "purchase_share_web" double precision,
  "purchase_share_catalog" double precision,
  "purchase_share_store" double precision,
  "deal_share" double precision,
  "average_basket" double precision,
  "campaigns_accepted" double precision,
  "income_standardised" double precision,
  "age_standardised" double precision,
  "spend_total_standardised" double precision,
  "purchases_deals_standardised" double precision,
  "web_visits_month_standardised" double precision,
  "as_of" timestamp,
  "feature_version" bigint,
  "artifact_version" varchar(max),
  "created_timestamp" timestamp,
  "recorded_at" varchar(max),
  "run_id" varchar(max)
)
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/feature_history/';

CREATE EXTERNAL TABLE lake.gold_campaign_results (
  "campaign" varchar(max),
  "outcome" varchar(max),
  "level" varchar(max),
  "segment" varchar(max),
  "offer" varchar(max),
  "contacted" bigint,
  "held_out" bigint,
  "mean_contacted" double precision,
  "mean_held_out" double precision,
  "incremental" double precision,
  "low" double precision,
  "high" double precision,
  "cost" double precision,
  "profit" double precision,
  "profit_low" double precision,
  "profit_high" double precision,
  "verdict" varchar(max)
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_campaign_results/';

CREATE EXTERNAL TABLE lake.gold_monitoring (
  "source" varchar(max),
  "window_start" varchar(max),
  "window_end" varchar(max),
  "subject" varchar(max),
  "name" varchar(max),
  "measure" varchar(max),
  "value" double precision,
  "bound" double precision,
  "is_alarm" bigint,
  "since" varchar(max),
  "affected" bigint,
  "money" double precision,
  "customers" bigint,
  "artifact_version" varchar(max),
  "as_of" timestamp,
  "recorded_at" varchar(max),
  "run_id" varchar(max)
)
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/monitoring/';
