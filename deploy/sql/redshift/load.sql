-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

BEGIN;
DELETE FROM gold_features;

INSERT INTO gold_features ("customer_id", "as_of", "sample_key", "year_birth", "education", "marital_status", "income", "kids_home", "teens_home", "enrolled_year", "enrolled_day", "recency_days", "spend_wines", "spend_fruits", "spend_meat", "spend_fish", "spend_sweets", "spend_gold", "purchases_deals", "purchases_web", "purchases_catalog", "purchases_store", "web_visits_month", "accepted_campaign_1", "accepted_campaign_2", "accepted_campaign_3", "accepted_campaign_4", "accepted_campaign_5", "responded", "complained", "as_of_year", "as_of_day", "education_basic", "education_graduation", "education_second_cycle", "education_master", "education_phd", "marital_status_single", "marital_status_together", "marital_status_married", "marital_status_divorced", "marital_status_widow", "age", "tenure_days", "children", "partnered", "household_size", "spend_total", "spend_share_wines", "spend_share_fruits", "spend_share_meat", "spend_share_fish", "spend_share_sweets", "spend_share_gold", "spend_to_income", "purchases_total", "purchase_share_web", "purchase_share_catalog", "purchase_share_store", "deal_share", "average_basket", "campaigns_accepted")
SELECT "customer_id", "as_of", "sample_key", "year_birth", "education", "marital_status", "income", "kids_home", "teens_home", "enrolled_year", "enrolled_day", "recency_days", "spend_wines", "spend_fruits", "spend_meat", "spend_fish", "spend_sweets", "spend_gold", "purchases_deals", "purchases_web", "purchases_catalog", "purchases_store", "web_visits_month", "accepted_campaign_1", "accepted_campaign_2", "accepted_campaign_3", "accepted_campaign_4", "accepted_campaign_5", "responded", "complained", "as_of_year", "as_of_day", "education_basic", "education_graduation", "education_second_cycle", "education_master", "education_phd", "marital_status_single", "marital_status_together", "marital_status_married", "marital_status_divorced", "marital_status_widow", "age", "tenure_days", "children", "partnered", "household_size", "spend_total", "spend_share_wines", "spend_share_fruits", "spend_share_meat", "spend_share_fish", "spend_share_sweets", "spend_share_gold", "spend_to_income", "purchases_total", "purchase_share_web", "purchase_share_catalog", "purchase_share_store", "deal_share", "average_basket", "campaigns_accepted"
FROM lake.gold_features;
DELETE FROM gold_segments;

INSERT INTO gold_segments ("customer_id", "as_of", "segment", "segment_name", "segment_id", "runner_up", "margin", "affluence_tier", "waits_for_offers", "likely_to_spend", "product", "channel", "offer", "artifact_version")
SELECT "customer_id", "as_of", "segment", "segment_name", "segment_id", "runner_up", "margin", "affluence_tier", "waits_for_offers", "likely_to_spend", "product", "channel", "offer", "artifact_version"
FROM lake.gold_segments;
DELETE FROM gold_unsegmented;

INSERT INTO gold_unsegmented ("customer_id", "row_number", "segment", "reasons", "as_of", "artifact_version")
SELECT "customer_id", "row_number", "segment", "reasons", "as_of", "artifact_version"
FROM lake.gold_unsegmented;
DELETE FROM gold_segment_profiles;

INSERT INTO gold_segment_profiles ("segment", "segment_name", "segment_id", "customers", "share", "measure", "mean", "base_mean", "index")
SELECT "segment", "segment_name", "segment_id", "customers", "share", "measure", "mean", "base_mean", "index"
FROM lake.gold_segment_profiles;
DELETE FROM gold_history;

INSERT INTO gold_history ("customer_id", "as_of", "segment", "segment_name", "runner_up", "margin", "artifact_version", "run_id", "recorded_at")
SELECT "customer_id", "as_of", "segment", "segment_name", "runner_up", "margin", "artifact_version", "run_id", "recorded_at"
FROM lake.gold_history;
DELETE FROM gold_movers;

INSERT INTO gold_movers ("customer_id", "from_segment", "from_name", "from_artifact_version", "from_as_of", "as_of", "to_segment", "to_name", "artifact_version", "cause")
SELECT "customer_id", "from_segment", "from_name", "from_artifact_version", "from_as_of", "as_of", "to_segment", "to_name", "artifact_version", "cause"
FROM lake.gold_movers;
DELETE FROM gold_moves;

INSERT INTO gold_moves ("customer_id", "from_segment", "from_name", "to_segment", "to_name", "cause", "as_of", "artifact_version", "recorded_at", "run_id")
SELECT "customer_id", "from_segment", "from_name", "to_segment", "to_name", "cause", "as_of", "artifact_version", "recorded_at", "run_id"
FROM lake.gold_moves;
DELETE FROM gold_campaign;

INSERT INTO gold_campaign ("customer_id", "as_of", "campaign", "campaign_day", "segment", "offer", "channel", "cost", "p_response", "expected_profit", "is_contacted", "in_hold_out", "chance", "why", "may_get", "artifact_version")
SELECT "customer_id", "as_of", "campaign", "campaign_day", "segment", "offer", "channel", "cost", "p_response", "expected_profit", "is_contacted", "in_hold_out", "chance", "why", "may_get", "artifact_version"
FROM lake.gold_campaign;
DELETE FROM gold_campaign_inputs;

INSERT INTO gold_campaign_inputs ("customer_id", "campaign", "as_of", "offer", "answer_factor", "chance", "p_response", "p_planned", "response_version", "input_year_birth", "input_education", "input_marital_status", "input_income", "input_kids_home", "input_teens_home", "input_enrolled_year", "input_enrolled_day", "input_recency_days", "input_spend_wines", "input_spend_fruits", "input_spend_meat", "input_spend_fish", "input_spend_sweets", "input_spend_gold", "input_purchases_deals", "input_purchases_web", "input_purchases_catalog", "input_purchases_store", "input_web_visits_month", "input_accepted_campaign_1", "input_accepted_campaign_2", "input_accepted_campaign_3", "input_accepted_campaign_4", "input_accepted_campaign_5", "input_responded", "input_complained", "input_as_of_year", "input_as_of_day", "recorded_at", "run_id")
SELECT "customer_id", "campaign", "as_of", "offer", "answer_factor", "chance", "p_response", "p_planned", "response_version", "input_year_birth", "input_education", "input_marital_status", "input_income", "input_kids_home", "input_teens_home", "input_enrolled_year", "input_enrolled_day", "input_recency_days", "input_spend_wines", "input_spend_fruits", "input_spend_meat", "input_spend_fish", "input_spend_sweets", "input_spend_gold", "input_purchases_deals", "input_purchases_web", "input_purchases_catalog", "input_purchases_store", "input_web_visits_month", "input_accepted_campaign_1", "input_accepted_campaign_2", "input_accepted_campaign_3", "input_accepted_campaign_4", "input_accepted_campaign_5", "input_responded", "input_complained", "input_as_of_year", "input_as_of_day", "recorded_at", "run_id"
FROM lake.gold_campaign_inputs;
DELETE FROM gold_outcomes;

INSERT INTO gold_outcomes ("outcome_id", "revision", "customer_id", "campaign", "answered", "amount", "happened_at", "received_at", "sent_on", "segment", "offer", "cost", "value", "in_hold_out", "p_response", "response_version", "recorded_at", "run_id")
SELECT "outcome_id", "revision", "customer_id", "campaign", "answered", "amount", "happened_at", "received_at", "sent_on", "segment", "offer", "cost", "value", "in_hold_out", "p_response", "response_version", "recorded_at", "run_id"
FROM lake.gold_outcomes;
DELETE FROM gold_lifetime_value;

INSERT INTO gold_lifetime_value ("customer_id", "as_of", "probability_alive", "expected_purchases", "value_per_purchase", "lifetime_value")
SELECT "customer_id", "as_of", "probability_alive", "expected_purchases", "value_per_purchase", "lifetime_value"
FROM lake.gold_lifetime_value;
DELETE FROM gold_feature_table;

INSERT INTO gold_feature_table ("customer_id", "event_timestamp", "year_birth", "education", "marital_status", "income", "kids_home", "teens_home", "enrolled_year", "enrolled_day", "recency_days", "spend_wines", "spend_fruits", "spend_meat", "spend_fish", "spend_sweets", "spend_gold", "purchases_deals", "purchases_web", "purchases_catalog", "purchases_store", "web_visits_month", "accepted_campaign_1", "accepted_campaign_2", "accepted_campaign_3", "accepted_campaign_4", "accepted_campaign_5", "responded", "complained", "as_of_year", "as_of_day", "education_basic", "education_graduation", "education_second_cycle", "education_master", "education_phd", "marital_status_single", "marital_status_together", "marital_status_married", "marital_status_divorced", "marital_status_widow", "age", "tenure_days", "children", "partnered", "household_size", "spend_total", "spend_share_wines", "spend_share_fruits", "spend_share_meat", "spend_share_fish", "spend_share_sweets", "spend_share_gold", "spend_to_income", "purchases_total", "purchase_share_web", "purchase_share_catalog", "purchase_share_store", "deal_share", "average_basket", "campaigns_accepted", "income_standardised", "age_standardised", "spend_total_standardised", "purchases_deals_standardised", "web_visits_month_standardised")
SELECT "customer_id", "event_timestamp", "year_birth", "education", "marital_status", "income", "kids_home", "teens_home", "enrolled_year", "enrolled_day", "recency_days", "spend_wines", "spend_fruits", "spend_meat", "spend_fish", "spend_sweets", "spend_gold", "purchases_deals", "purchases_web", "purchases_catalog", "purchases_store", "web_visits_month", "accepted_campaign_1", "accepted_campaign_2", "accepted_campaign_3", "accepted_campaign_4", "accepted_campaign_5", "responded", "complained", "as_of_year", "as_of_day", "education_basic", "education_graduation", "education_second_cycle", "education_master", "education_phd", "marital_status_single", "marital_status_together", "marital_status_married", "marital_status_divorced", "marital_status_widow", "age", "tenure_days", "children", "partnered", "household_size", "spend_total", "spend_share_wines", "spend_share_fruits", "spend_share_meat", "spend_share_fish", "spend_share_sweets", "spend_share_gold", "spend_to_income", "purchases_total", "purchase_share_web", "purchase_share_catalog", "purchase_share_store", "deal_share", "average_basket", "campaigns_accepted", "income_standardised", "age_standardised", "spend_total_standardised", "purchases_deals_standardised", "web_visits_month_standardised"
FROM lake.gold_feature_table;
DELETE FROM gold_feature_history;

INSERT INTO gold_feature_history ("customer_id", "event_timestamp", "year_birth", "education", "marital_status", "income", "kids_home", "teens_home", "enrolled_year", "enrolled_day", "recency_days", "spend_wines", "spend_fruits", "spend_meat", "spend_fish", "spend_sweets", "spend_gold", "purchases_deals", "purchases_web", "purchases_catalog", "purchases_store", "web_visits_month", "accepted_campaign_1", "accepted_campaign_2", "accepted_campaign_3", "accepted_campaign_4", "accepted_campaign_5", "responded", "complained", "as_of_year", "as_of_day", "education_basic", "education_graduation", "education_second_cycle", "education_master", "education_phd", "marital_status_single", "marital_status_together", "marital_status_married", "marital_status_divorced", "marital_status_widow", "age", "tenure_days", "children", "partnered", "household_size", "spend_total", "spend_share_wines", "spend_share_fruits", "spend_share_meat", "spend_share_fish", "spend_share_sweets", "spend_share_gold", "spend_to_income", "purchases_total", "purchase_share_web", "purchase_share_catalog", "purchase_share_store", "deal_share", "average_basket", "campaigns_accepted", "income_standardised", "age_standardised", "spend_total_standardised", "purchases_deals_standardised", "web_visits_month_standardised", "as_of", "feature_version", "artifact_version", "created_timestamp", "recorded_at", "run_id")
SELECT "customer_id", "event_timestamp", "year_birth", "education", "marital_status", "income", "kids_home", "teens_home", "enrolled_year", "enrolled_day", "recency_days", "spend_wines", "spend_fruits", "spend_meat", "spend_fish", "spend_sweets", "spend_gold", "purchases_deals", "purchases_web", "purchases_catalog", "purchases_store", "web_visits_month", "accepted_campaign_1", "accepted_campaign_2", "accepted_campaign_3", "accepted_campaign_4", "accepted_campaign_5", "responded", "complained", "as_of_year", "as_of_day", "education_basic", "education_graduation", "education_second_cycle", "education_master", "education_phd", "marital_status_single", "marital_status_together", "marital_status_married", "marital_status_divorced", "marital_status_widow", "age", "tenure_days", "children", "partnered", "household_size", "spend_total", "spend_share_wines", "spend_share_fruits", "spend_share_meat", "spend_share_fish", "spend_share_sweets", "spend_share_gold", "spend_to_income", "purchases_total", "purchase_share_web", "purchase_share_catalog", "purchase_share_store", "deal_share", "average_basket", "campaigns_accepted", "income_standardised", "age_standardised", "spend_total_standardised", "purchases_deals_standardised", "web_visits_month_standardised", "as_of", "feature_version", "artifact_version", "created_timestamp", "recorded_at", "run_id"
FROM lake.gold_feature_history;
DELETE FROM gold_campaign_results;

INSERT INTO gold_campaign_results ("campaign", "outcome", "level", "segment", "offer", "contacted", "held_out", "mean_contacted", "mean_held_out", "incremental", "low", "high", "cost", "profit", "profit_low", "profit_high", "verdict")
SELECT "campaign", "outcome", "level", "segment", "offer", "contacted", "held_out", "mean_contacted", "mean_held_out", "incremental", "low", "high", "cost", "profit", "profit_low", "profit_high", "verdict"
FROM lake.gold_campaign_results;
DELETE FROM gold_monitoring;

INSERT INTO gold_monitoring ("source", "window_start", "window_end", "subject", "name", "measure", "value", "bound", "is_alarm", "since", "affected", "money", "customers", "artifact_version", "as_of", "recorded_at", "run_id")
SELECT "source", "window_start", "window_end", "subject", "name", "measure", "value", "bound", "is_alarm", "since", "affected", "money", "customers", "artifact_version", "as_of", "recorded_at", "run_id"
FROM lake.gold_monitoring;
COMMIT;
