-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

CREATE EXTERNAL TABLE IF NOT EXISTS gold_features (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `sample_key` bigint COMMENT 'Number from the key by which samples are drawn',
  `year_birth` double COMMENT 'Year of birth',
  `education` double COMMENT 'Highest education; codes 0 to 4',
  `marital_status` double COMMENT 'Marital status; codes 0 to 4',
  `income` double COMMENT 'Yearly income of the household',
  `kids_home` double COMMENT 'Small children in the household',
  `teens_home` double COMMENT 'Teenagers in the household',
  `enrolled_year` double COMMENT 'Day the customer enrolled: its year',
  `enrolled_day` double COMMENT 'Day the customer enrolled: its day of the year',
  `recency_days` double COMMENT 'Days since the last purchase',
  `spend_wines` double COMMENT 'Spend on wines in two years',
  `spend_fruits` double COMMENT 'Spend on fruits in two years',
  `spend_meat` double COMMENT 'Spend on meat in two years',
  `spend_fish` double COMMENT 'Spend on fish in two years',
  `spend_sweets` double COMMENT 'Spend on sweets in two years',
  `spend_gold` double COMMENT 'Spend on gold in two years',
  `purchases_deals` double COMMENT 'Purchases made with a discount',
  `purchases_web` double COMMENT 'Purchases through the web channel',
  `purchases_catalog` double COMMENT 'Purchases through the catalog channel',
  `purchases_store` double COMMENT 'Purchases through the store channel',
  `web_visits_month` double COMMENT 'Visits to the web site in the last month',
  `accepted_campaign_1` double COMMENT 'Accepted the offer of campaign 1',
  `accepted_campaign_2` double COMMENT 'Accepted the offer of campaign 2',
  `accepted_campaign_3` double COMMENT 'Accepted the offer of campaign 3',
  `accepted_campaign_4` double COMMENT 'Accepted the offer of campaign 4',
  `accepted_campaign_5` double COMMENT 'Accepted the offer of campaign 5',
  `responded` double COMMENT 'Accepted the offer of the last campaign',
  `complained` double COMMENT 'Complained in the last two years',
  `as_of_year` double COMMENT 'Day of the snapshot that it holds for: its year',
  `as_of_day` double COMMENT 'Day of the snapshot that it holds for: its day of the year',
  `education_basic` double COMMENT '1 where education is basic, else 0',
  `education_graduation` double COMMENT '1 where education is graduation, else 0',
  `education_second_cycle` double COMMENT '1 where education is second_cycle, else 0',
  `education_master` double COMMENT '1 where education is master, else 0',
  `education_phd` double COMMENT '1 where education is phd, else 0',
  `marital_status_single` double COMMENT '1 where marital_status is single, else 0',
  `marital_status_together` double COMMENT '1 where marital_status is together, else 0',
  `marital_status_married` double COMMENT '1 where marital_status is married, else 0',
  `marital_status_divorced` double COMMENT '1 where marital_status is divorced, else 0',
  `marital_status_widow` double COMMENT '1 where marital_status is widow, else 0',
  `age` double COMMENT 'Age in the year of the snapshot',
  `tenure_days` double COMMENT 'Days from enrolment to the snapshot',
  `children` double COMMENT 'Children and teenagers in the household',
  `partnered` double COMMENT '1 where married or living together, else 0',
  `household_size` double COMMENT 'Customer, partner and children',
  `spend_total` double COMMENT 'Spend on all products in two years',
  `spend_share_wines` double COMMENT 'Share of the customer’s spend that goes to wines; 0 without spend',
  `spend_share_fruits` double COMMENT 'Share of the customer’s spend that goes to fruits; 0 without spend',
  `spend_share_meat` double COMMENT 'Share of the customer’s spend that goes to meat; 0 without spend',
  `spend_share_fish` double COMMENT 'Share of the customer’s spend that goes to fish; 0 without spend',
  `spend_share_sweets` double COMMENT 'Share of the customer’s spend that goes to sweets; 0 without spend',
  `spend_share_gold` double COMMENT 'Share of the customer’s spend that goes to gold; 0 without spend',
  `spend_to_income` double COMMENT 'Two-year spend over yearly income; 0 without income',
  `purchases_total` double COMMENT 'Purchases through all channels',
  `purchase_share_web` double COMMENT 'Share of purchases made through the web channel; 0 without purchases',
  `purchase_share_catalog` double COMMENT 'Share of purchases made through the catalog channel; 0 without purchases',
  `purchase_share_store` double COMMENT 'Share of purchases made through the store channel; 0 without purchases',
  `deal_share` double COMMENT 'Purchases with a discount over purchases through all channels; 0 without purchases',
  `average_basket` double COMMENT 'Average spend a purchase; 0 without purchases',
  `campaigns_accepted` double COMMENT 'Offers of the first five campaigns that were accepted'
)
COMMENT 'One row a customer: what is known of them, as numbers, and features'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_features/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_segments (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `segment` string COMMENT 'Key of the segment; `unsegmented` without one',
  `segment_name` string COMMENT 'Name of the segment, for people',
  `segment_id` bigint COMMENT 'Code of the segment in the model; -1 without one',
  `runner_up` string COMMENT 'Key of the next nearest segment',
  `margin` double COMMENT '0 halfway between two segments, 1 on a centre',
  `affluence_tier` string COMMENT '0 below the first income threshold, 1 from there, 2 from the second.',
  `waits_for_offers` string COMMENT '1 for a customer who bought with discounts often enough, in share and in number.',
  `likely_to_spend` double COMMENT 'Percentile of the expected spend in the base, in equal steps from 0 to below 100.',
  `product` string COMMENT 'The product whose share of the customer’s spend stands out most against the base.',
  `channel` string COMMENT 'The channel whose share of the customer’s purchases stands out most against the base.',
  `offer` string COMMENT 'A discount for those who wait for one and are not affluent, a preview for likely spenders.',
  `artifact_version` string COMMENT 'Version of the model that said so'
)
COMMENT 'One row a customer: segment, runner-up, margin and every decision'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_segments/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_unsegmented (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `row_number` bigint COMMENT 'Row of the source, the first is 1',
  `segment` string COMMENT 'Key of the segment; `unsegmented` without one',
  `reasons` string COMMENT 'Every reason, separated by semicolons',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `artifact_version` string COMMENT 'Version of the model that said so'
)
COMMENT 'One row a row of the source without a segment, with every reason'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_unsegmented/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_segment_profiles (
  `segment` string COMMENT 'Key of the segment; `unsegmented` without one',
  `segment_name` string COMMENT 'Name of the segment, for people',
  `segment_id` bigint COMMENT 'Code of the segment in the model; -1 without one',
  `customers` bigint COMMENT 'Customers in the segment',
  `share` double COMMENT 'Share of all customers in the segment',
  `measure` string COMMENT 'Feature, or a decision and its label',
  `mean` double COMMENT 'Mean of the segment',
  `base_mean` double COMMENT 'Mean of all customers',
  `index` double COMMENT '100 times the segment’s mean over that of all'
)
COMMENT 'One row a segment and measure: its mean, the base’s, and the index'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_segment_profiles/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_history (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `segment` string COMMENT 'Key of the segment; `unsegmented` without one',
  `segment_name` string COMMENT 'Name of the segment, for people',
  `runner_up` string COMMENT 'Key of the next nearest segment',
  `margin` double COMMENT '0 halfway between two segments, 1 on a centre',
  `artifact_version` string COMMENT 'Version of the model that said so',
  `run_id` string COMMENT 'Run or stream that said so',
  `recorded_at` string COMMENT 'When it was recorded, UTC, as ISO 8601'
)
COMMENT 'One row a customer and statement: where they were on a day, as was known then'
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/history/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_movers (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `from_segment` string COMMENT 'Key of the segment before',
  `from_name` string COMMENT 'Name of the segment before',
  `from_artifact_version` string COMMENT 'Version of the model before',
  `from_as_of` timestamp COMMENT 'Day of the state before',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `to_segment` string COMMENT 'Key of the segment now',
  `to_name` string COMMENT 'Name of the segment now',
  `artifact_version` string COMMENT 'Version of the model that said so',
  `cause` string COMMENT 'What made the customer move: data, model, both or unknown'
)
COMMENT 'One row a customer who is in another segment than in the state before'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_movers/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_moves (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `from_segment` string COMMENT 'Key of the segment before; none for who entered',
  `from_name` string COMMENT 'Name of the segment before',
  `to_segment` string COMMENT 'Key of the segment now; none for who left',
  `to_name` string COMMENT 'Name of the segment now',
  `cause` string COMMENT 'entered, left, data, model, both or unknown',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `artifact_version` string COMMENT 'Version of the model that said so',
  `recorded_at` string COMMENT 'When it was recorded, UTC, as ISO 8601',
  `run_id` string COMMENT 'Run or stream that said so'
)
COMMENT 'One row a move that a stream saw, with its cause'
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/moves/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_campaign (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `campaign` string COMMENT 'Name of the campaign',
  `campaign_day` timestamp COMMENT 'Day of the contact',
  `segment` string COMMENT 'Key of the segment; `unsegmented` without one',
  `offer` string COMMENT 'The offer; empty without one',
  `channel` string COMMENT 'How the customer is contacted; empty without an offer',
  `cost` double COMMENT 'Cost of the contact',
  `p_response` double COMMENT 'Probability of an answer',
  `expected_profit` double COMMENT 'Expected worth of the contact less its cost',
  `is_contacted` bigint COMMENT '1 for who is contacted',
  `in_hold_out` bigint COMMENT '1 for who would be contacted, and is held out',
  `chance` double COMMENT 'Chance that the customer had to be on the list',
  `why` string COMMENT 'Why the customer is contacted or not',
  `may_get` string COMMENT 'Offers that the customer may get, separated by |',
  `artifact_version` string COMMENT 'Version of the model that said so'
)
COMMENT 'One row a customer: what the campaign does with them, and why'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_campaign/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_campaign_inputs (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `campaign` string COMMENT 'Name of the campaign',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `offer` string COMMENT 'The offer; empty without one',
  `answer_factor` double COMMENT 'How many times as often it was thought to be answered',
  `chance` double COMMENT 'Probability with which such a customer was contacted',
  `p_response` double COMMENT 'Probability of an answer, as the model said',
  `p_planned` double COMMENT 'The same as the campaign was planned with',
  `response_version` string COMMENT 'Version of the response model',
  `input_year_birth` double COMMENT 'Year of birth',
  `input_education` double COMMENT 'Highest education; codes 0 to 4',
  `input_marital_status` double COMMENT 'Marital status; codes 0 to 4',
  `input_income` double COMMENT 'Yearly income of the household',
  `input_kids_home` double COMMENT 'Small children in the household',
  `input_teens_home` double COMMENT 'Teenagers in the household',
  `input_enrolled_year` double COMMENT 'Day the customer enrolled: its year',
  `input_enrolled_day` double COMMENT 'Day the customer enrolled: its day of the year',
  `input_recency_days` double COMMENT 'Days since the last purchase',
  `input_spend_wines` double COMMENT 'Spend on wines in two years',
  `input_spend_fruits` double COMMENT 'Spend on fruits in two years',
  `input_spend_meat` double COMMENT 'Spend on meat in two years',
  `input_spend_fish` double COMMENT 'Spend on fish in two years',
  `input_spend_sweets` double COMMENT 'Spend on sweets in two years',
  `input_spend_gold` double COMMENT 'Spend on gold in two years',
  `input_purchases_deals` double COMMENT 'Purchases made with a discount',
  `input_purchases_web` double COMMENT 'Purchases through the web channel',
  `input_purchases_catalog` double COMMENT 'Purchases through the catalog channel',
  `input_purchases_store` double COMMENT 'Purchases through the store channel',
  `input_web_visits_month` double COMMENT 'Visits to the web site in the last month',
  `input_accepted_campaign_1` double COMMENT 'Accepted the offer of campaign 1',
  `input_accepted_campaign_2` double COMMENT 'Accepted the offer of campaign 2',
  `input_accepted_campaign_3` double COMMENT 'Accepted the offer of campaign 3',
  `input_accepted_campaign_4` double COMMENT 'Accepted the offer of campaign 4',
  `input_accepted_campaign_5` double COMMENT 'Accepted the offer of campaign 5',
  `input_responded` double COMMENT 'Accepted the offer of the last campaign',
  `input_complained` double COMMENT 'Complained in the last two years',
  `input_as_of_year` double COMMENT 'Day of the snapshot that it holds for: its year',
  `input_as_of_day` double COMMENT 'Day of the snapshot that it holds for: its day of the year',
  `recorded_at` string COMMENT 'When it was recorded, UTC, as ISO 8601',
  `run_id` string COMMENT 'Run or stream that said so'
)
COMMENT 'One row a customer whom a plan chose: what was known of them then'
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/campaign_inputs/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_outcomes (
  `outcome_id` string COMMENT 'Name of the outcome, as its sender has it',
  `revision` bigint COMMENT 'Of an outcome the highest revision is in force',
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `campaign` string COMMENT 'Name of the campaign',
  `answered` double COMMENT '1 for an answer, 0 for none',
  `amount` double COMMENT 'What the customer bought',
  `happened_at` string COMMENT 'When it happened, UTC, as ISO 8601',
  `received_at` string COMMENT 'When it arrived, UTC, as ISO 8601',
  `sent_on` timestamp COMMENT 'Day on which the customer was first sent, or held out',
  `segment` string COMMENT 'Key of the segment; `unsegmented` without one',
  `offer` string COMMENT 'The offer; empty without one',
  `cost` double COMMENT 'Cost of a contact, as planned',
  `value` double COMMENT 'Value of an answer, as planned',
  `in_hold_out` bigint COMMENT '1 for who was held out',
  `p_response` double COMMENT 'Probability of an answer, as the model said',
  `response_version` string COMMENT 'Version of that model; none if the plan is not known',
  `recorded_at` string COMMENT 'When it was recorded, UTC, as ISO 8601',
  `run_id` string COMMENT 'Run or stream that said so'
)
COMMENT 'One row an outcome and revision: what came of a contact, beside it'
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/outcomes/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_lifetime_value (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `probability_alive` double COMMENT 'probability_alive',
  `expected_purchases` double COMMENT 'expected_purchases',
  `value_per_purchase` double COMMENT 'value_per_purchase',
  `lifetime_value` double COMMENT 'lifetime_value'
)
COMMENT 'One row a customer: purchases and worth that are expected of them'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_lifetime_value/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_feature_table (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `event_timestamp` timestamp COMMENT 'Day of the snapshot that the features hold for',
  `year_birth` double COMMENT 'Year of birth',
  `education` double COMMENT 'Highest education; codes 0 to 4',
  `marital_status` double COMMENT 'Marital status; codes 0 to 4',
  `income` double COMMENT 'Yearly income of the household',
  `kids_home` double COMMENT 'Small children in the household',
  `teens_home` double COMMENT 'Teenagers in the household',
  `enrolled_year` double COMMENT 'Day the customer enrolled: its year',
  `enrolled_day` double COMMENT 'Day the customer enrolled: its day of the year',
  `recency_days` double COMMENT 'Days since the last purchase',
  `spend_wines` double COMMENT 'Spend on wines in two years',
  `spend_fruits` double COMMENT 'Spend on fruits in two years',
  `spend_meat` double COMMENT 'Spend on meat in two years',
  `spend_fish` double COMMENT 'Spend on fish in two years',
  `spend_sweets` double COMMENT 'Spend on sweets in two years',
  `spend_gold` double COMMENT 'Spend on gold in two years',
  `purchases_deals` double COMMENT 'Purchases made with a discount',
  `purchases_web` double COMMENT 'Purchases through the web channel',
  `purchases_catalog` double COMMENT 'Purchases through the catalog channel',
  `purchases_store` double COMMENT 'Purchases through the store channel',
  `web_visits_month` double COMMENT 'Visits to the web site in the last month',
  `accepted_campaign_1` double COMMENT 'Accepted the offer of campaign 1',
  `accepted_campaign_2` double COMMENT 'Accepted the offer of campaign 2',
  `accepted_campaign_3` double COMMENT 'Accepted the offer of campaign 3',
  `accepted_campaign_4` double COMMENT 'Accepted the offer of campaign 4',
  `accepted_campaign_5` double COMMENT 'Accepted the offer of campaign 5',
  `responded` double COMMENT 'Accepted the offer of the last campaign',
  `complained` double COMMENT 'Complained in the last two years',
  `as_of_year` double COMMENT 'Day of the snapshot that it holds for: its year',
  `as_of_day` double COMMENT 'Day of the snapshot that it holds for: its day of the year',
  `education_basic` double COMMENT '1 where education is basic, else 0',
  `education_graduation` double COMMENT '1 where education is graduation, else 0',
  `education_second_cycle` double COMMENT '1 where education is second_cycle, else 0',
  `education_master` double COMMENT '1 where education is master, else 0',
  `education_phd` double COMMENT '1 where education is phd, else 0',
  `marital_status_single` double COMMENT '1 where marital_status is single, else 0',
  `marital_status_together` double COMMENT '1 where marital_status is together, else 0',
  `marital_status_married` double COMMENT '1 where marital_status is married, else 0',
  `marital_status_divorced` double COMMENT '1 where marital_status is divorced, else 0',
  `marital_status_widow` double COMMENT '1 where marital_status is widow, else 0',
  `age` double COMMENT 'Age in the year of the snapshot',
  `tenure_days` double COMMENT 'Days from enrolment to the snapshot',
  `children` double COMMENT 'Children and teenagers in the household',
  `partnered` double COMMENT '1 where married or living together, else 0',
  `household_size` double COMMENT 'Customer, partner and children',
  `spend_total` double COMMENT 'Spend on all products in two years',
  `spend_share_wines` double COMMENT 'Share of the customer’s spend that goes to wines; 0 without spend',
  `spend_share_fruits` double COMMENT 'Share of the customer’s spend that goes to fruits; 0 without spend',
  `spend_share_meat` double COMMENT 'Share of the customer’s spend that goes to meat; 0 without spend',
  `spend_share_fish` double COMMENT 'Share of the customer’s spend that goes to fish; 0 without spend',
  `spend_share_sweets` double COMMENT 'Share of the customer’s spend that goes to sweets; 0 without spend',
  `spend_share_gold` double COMMENT 'Share of the customer’s spend that goes to gold; 0 without spend',
  `spend_to_income` double COMMENT 'Two-year spend over yearly income; 0 without income',
  `purchases_total` double COMMENT 'Purchases through all channels',
  `purchase_share_web` double COMMENT 'Share of purchases made through the web channel; 0 without purchases',
  `purchase_share_catalog` double COMMENT 'Share of purchases made through the catalog channel; 0 without purchases',
  `purchase_share_store` double COMMENT 'Share of purchases made through the store channel; 0 without purchases',
  `deal_share` double COMMENT 'Purchases with a discount over purchases through all channels; 0 without purchases',
  `average_basket` double COMMENT 'Average spend a purchase; 0 without purchases',
  `campaigns_accepted` double COMMENT 'Offers of the first five campaigns that were accepted',
  `income_standardised` double COMMENT 'income as the segmenter sees it',
  `age_standardised` double COMMENT 'age as the segmenter sees it',
  `spend_total_standardised` double COMMENT 'spend_total as the segmenter sees it',
  `purchases_deals_standardised` double COMMENT 'purchases_deals as the segmenter sees it',
  `web_visits_month_standardised` double COMMENT 'web_visits_month as the segmenter sees it'
)
COMMENT 'One row a customer: features raw and as the segmenter sees them'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_feature_table/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_feature_history (
  `customer_id` string COMMENT 'Key of the customer, as the source has it',
  `event_timestamp` timestamp COMMENT 'Day of the snapshot that the features hold for',
  `year_birth` double COMMENT 'Year of birth',
  `education` double COMMENT 'Highest education; codes 0 to 4',
  `marital_status` double COMMENT 'Marital status; codes 0 to 4',
  `income` double COMMENT 'Yearly income of the household',
  `kids_home` double COMMENT 'Small children in the household',
  `teens_home` double COMMENT 'Teenagers in the household',
  `enrolled_year` double COMMENT 'Day the customer enrolled: its year',
  `enrolled_day` double COMMENT 'Day the customer enrolled: its day of the year',
  `recency_days` double COMMENT 'Days since the last purchase',
  `spend_wines` double COMMENT 'Spend on wines in two years',
  `spend_fruits` double COMMENT 'Spend on fruits in two years',
  `spend_meat` double COMMENT 'Spend on meat in two years',
  `spend_fish` double COMMENT 'Spend on fish in two years',
  `spend_sweets` double COMMENT 'Spend on sweets in two years',
  `spend_gold` double COMMENT 'Spend on gold in two years',
  `purchases_deals` double COMMENT 'Purchases made with a discount',
  `purchases_web` double COMMENT 'Purchases through the web channel',
  `purchases_catalog` double COMMENT 'Purchases through the catalog channel',
  `purchases_store` double COMMENT 'Purchases through the store channel',
  `web_visits_month` double COMMENT 'Visits to the web site in the last month',
  `accepted_campaign_1` double COMMENT 'Accepted the offer of campaign 1',
  `accepted_campaign_2` double COMMENT 'Accepted the offer of campaign 2',
  `accepted_campaign_3` double COMMENT 'Accepted the offer of campaign 3',
  `accepted_campaign_4` double COMMENT 'Accepted the offer of campaign 4',
  `accepted_campaign_5` double COMMENT 'Accepted the offer of campaign 5',
  `responded` double COMMENT 'Accepted the offer of the last campaign',
  `complained` double COMMENT 'Complained in the last two years',
  `as_of_year` double COMMENT 'Day of the snapshot that it holds for: its year',
  `as_of_day` double COMMENT 'Day of the snapshot that it holds for: its day of the year',
  `education_basic` double COMMENT '1 where education is basic, else 0',
  `education_graduation` double COMMENT '1 where education is graduation, else 0',
  `education_second_cycle` double COMMENT '1 where education is second_cycle, else 0',
  `education_master` double COMMENT '1 where education is master, else 0',
  `education_phd` double COMMENT '1 where education is phd, else 0',
  `marital_status_single` double COMMENT '1 where marital_status is single, else 0',
  `marital_status_together` double COMMENT '1 where marital_status is together, else 0',
  `marital_status_married` double COMMENT '1 where marital_status is married, else 0',
  `marital_status_divorced` double COMMENT '1 where marital_status is divorced, else 0',
  `marital_status_widow` double COMMENT '1 where marital_status is widow, else 0',
  `age` double COMMENT 'Age in the year of the snapshot',
  `tenure_days` double COMMENT 'Days from enrolment to the snapshot',
  `children` double COMMENT 'Children and teenagers in the household',
  `partnered` double COMMENT '1 where married or living together, else 0',
  `household_size` double COMMENT 'Customer, partner and children',
  `spend_total` double COMMENT 'Spend on all products in two years',
  `spend_share_wines` double COMMENT 'Share of the customer’s spend that goes to wines; 0 without spend',
  `spend_share_fruits` double COMMENT 'Share of the customer’s spend that goes to fruits; 0 without spend',
  `spend_share_meat` double COMMENT 'Share of the customer’s spend that goes to meat; 0 without spend',
  `spend_share_fish` double COMMENT 'Share of the customer’s spend that goes to fish; 0 without spend',
  `spend_share_sweets` double COMMENT 'Share of the customer’s spend that goes to sweets; 0 without spend',
  `spend_share_gold` double COMMENT 'Share of the customer’s spend that goes to gold; 0 without spend',
  `spend_to_income` double COMMENT 'Two-year spend over yearly income; 0 without income',
  `purchases_total` double COMMENT 'Purchases through all channels',
  `purchase_share_web` double COMMENT 'Share of purchases made through the web channel; 0 without purchases',
  `purchase_share_catalog` double COMMENT 'Share of purchases made through the catalog channel; 0 without purchases',
  `purchase_share_store` double COMMENT 'Share of purchases made through the store channel; 0 without purchases',
  `deal_share` double COMMENT 'Purchases with a discount over purchases through all channels; 0 without purchases',
  `average_basket` double COMMENT 'Average spend a purchase; 0 without purchases',
  `campaigns_accepted` double COMMENT 'Offers of the first five campaigns that were accepted',
  `income_standardised` double COMMENT 'income as the segmenter sees it',
  `age_standardised` double COMMENT 'age as the segmenter sees it',
  `spend_total_standardised` double COMMENT 'spend_total as the segmenter sees it',
  `purchases_deals_standardised` double COMMENT 'purchases_deals as the segmenter sees it',
  `web_visits_month_standardised` double COMMENT 'web_visits_month as the segmenter sees it',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `feature_version` bigint COMMENT 'Version of the features’ definitions',
  `artifact_version` string COMMENT 'Version of the model that said so',
  `created_timestamp` timestamp COMMENT 'When it was recorded, UTC',
  `recorded_at` string COMMENT 'When it was recorded, UTC, as ISO 8601',
  `run_id` string COMMENT 'Run or stream that said so'
)
COMMENT 'One row a customer and statement: features on a day, as was known'
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/feature_history/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_campaign_results (
  `campaign` string COMMENT 'Name of the campaign',
  `outcome` string COMMENT 'Name of the outcome',
  `level` string COMMENT 'The parts that the row is one of',
  `segment` string COMMENT 'Key of the segment; empty for all',
  `offer` string COMMENT 'The offer; empty for all',
  `contacted` bigint COMMENT 'Customers who got an offer',
  `held_out` bigint COMMENT 'Customers who would have got one',
  `mean_contacted` double COMMENT 'Mean outcome of the contacted',
  `mean_held_out` double COMMENT 'Mean outcome of the held-out',
  `incremental` double COMMENT 'What the contacted did beyond what they would have done alone, in all',
  `low` double COMMENT 'Lower bound of its 95 % interval',
  `high` double COMMENT 'Upper bound of its 95 % interval',
  `cost` double COMMENT 'Cost of the contacts',
  `profit` double COMMENT 'Worth of the increment less the cost',
  `profit_low` double COMMENT 'Lower bound of its 95 % interval',
  `profit_high` double COMMENT 'Upper bound of its 95 % interval',
  `verdict` string COMMENT 'What the interval allows to say'
)
COMMENT 'One row an outcome and part of a campaign: what it brought'
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://<code-bucket>/manifests/gold_campaign_results/';

CREATE EXTERNAL TABLE IF NOT EXISTS gold_monitoring (
  `source` string COMMENT 'Where: batch, api or stream',
  `window_start` string COMMENT 'Start of the window, UTC; of a batch, its day',
  `window_end` string COMMENT 'End of the window, likewise',
  `subject` string COMMENT 'What it is about: input, segment, response, rows, service',
  `name` string COMMENT 'Which one, such as a column or a segment; empty for all',
  `measure` string COMMENT 'The figure, such as psi or missing_share',
  `value` double COMMENT 'Its value; missing where it cannot be told',
  `bound` double COMMENT 'Beyond which it is an alarm; missing if only told',
  `is_alarm` bigint COMMENT '1 if it is beyond its bound',
  `since` string COMMENT 'Start of the first window in a row beyond; else empty',
  `affected` bigint COMMENT 'Customers whom it is about',
  `money` double COMMENT 'What it is thought to cost a window; missing if unknown',
  `customers` bigint COMMENT 'Customers of the window',
  `artifact_version` string COMMENT 'Version of the model that the baseline is of',
  `as_of` timestamp COMMENT 'Day of the snapshot that it holds for',
  `recorded_at` string COMMENT 'When it was recorded, UTC, as ISO 8601',
  `run_id` string COMMENT 'Run or stream that said so'
)
COMMENT 'One row a figure of a window: how it is against the champion’s baseline'
STORED AS PARQUET
LOCATION 's3://<bucket>/gold/monitoring/';
