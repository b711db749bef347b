-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

CREATE EXTERNAL TABLE IF NOT EXISTS gold_features
LOCATION 's3://<bucket>/gold/features/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_segments
LOCATION 's3://<bucket>/gold/segments/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_unsegmented
LOCATION 's3://<bucket>/gold/unsegmented/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_segment_profiles
LOCATION 's3://<bucket>/gold/segment_profiles/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_history
LOCATION 's3://<bucket>/gold/history/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_movers
LOCATION 's3://<bucket>/gold/movers/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_moves
LOCATION 's3://<bucket>/gold/moves/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_campaign
LOCATION 's3://<bucket>/gold/campaign/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_campaign_inputs
LOCATION 's3://<bucket>/gold/campaign_inputs/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_outcomes
LOCATION 's3://<bucket>/gold/outcomes/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_lifetime_value
LOCATION 's3://<bucket>/gold/lifetime_value/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_feature_table
LOCATION 's3://<bucket>/gold/feature_table/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_feature_history
LOCATION 's3://<bucket>/gold/feature_history/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_campaign_results
LOCATION 's3://<bucket>/gold/campaign_results/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS gold_monitoring
LOCATION 's3://<bucket>/gold/monitoring/'
TBLPROPERTIES ('table_type' = 'DELTA');
