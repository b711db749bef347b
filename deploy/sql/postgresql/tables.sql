-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

CREATE TABLE IF NOT EXISTS gold_features (
  "customer_id" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "sample_key" bigint NOT NULL,
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
  PRIMARY KEY ("customer_id")
);
COMMENT ON TABLE gold_features IS 'One row a customer: what is known of them, as numbers, and features';
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

CREATE TABLE IF NOT EXISTS gold_segments (
  "customer_id" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "segment" text NOT NULL,
  "segment_name" text NOT NULL,
  "segment_id" bigint NOT NULL,
  "runner_up" text NOT NULL,
  "margin" double precision,
  "affluence_tier" text,
  "waits_for_offers" text,
  "likely_to_spend" double precision,
  "product" text,
  "channel" text,
  "offer" text,
  "artifact_version" text NOT NULL,
  PRIMARY KEY ("customer_id")
);
COMMENT ON TABLE gold_segments IS 'One row a customer: segment, runner-up, margin and every decision';
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

CREATE TABLE IF NOT EXISTS gold_unsegmented (
  "customer_id" text NOT NULL,
  "row_number" bigint NOT NULL,
  "segment" text NOT NULL,
  "reasons" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "artifact_version" text NOT NULL,
  PRIMARY KEY ("row_number")
);
COMMENT ON TABLE gold_unsegmented IS 'One row a row of the source without a segment, with every reason';
COMMENT ON COLUMN gold_unsegmented."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_unsegmented."row_number" IS 'Row of the source, the first is 1';
COMMENT ON COLUMN gold_unsegmented."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_unsegmented."reasons" IS 'Every reason, separated by semicolons';
COMMENT ON COLUMN gold_unsegmented."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_unsegmented."artifact_version" IS 'Version of the model that said so';

CREATE TABLE IF NOT EXISTS gold_segment_profiles (
  "segment" text NOT NULL,
  "segment_name" text NOT NULL,
  "segment_id" bigint NOT NULL,
  "customers" bigint NOT NULL,
  "share" double precision NOT NULL,
  "measure" text NOT NULL,
  "mean" double precision,
  "base_mean" double precision,
  "index" double precision,
  PRIMARY KEY ("segment", "measure")
);
COMMENT ON TABLE gold_segment_profiles IS 'One row a segment and measure: its mean, the base''s, and the index';
COMMENT ON COLUMN gold_segment_profiles."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_segment_profiles."segment_name" IS 'Name of the segment, for people';
COMMENT ON COLUMN gold_segment_profiles."segment_id" IS 'Code of the segment in the model; -1 without one';
COMMENT ON COLUMN gold_segment_profiles."customers" IS 'Customers in the segment';
COMMENT ON COLUMN gold_segment_profiles."share" IS 'Share of all customers in the segment';
COMMENT ON COLUMN gold_segment_profiles."measure" IS 'Feature, or a decision and its label';
COMMENT ON COLUMN gold_segment_profiles."mean" IS 'Mean of the segment';
COMMENT ON COLUMN gold_segment_profiles."base_mean" IS 'Mean of all customers';
COMMENT ON COLUMN gold_segment_profiles."index" IS '100 times the segment''s mean over that of all';

CREATE TABLE IF NOT EXISTS gold_history (
  "customer_id" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "segment" text NOT NULL,
  "segment_name" text NOT NULL,
  "runner_up" text NOT NULL,
  "margin" double precision,
  "artifact_version" text NOT NULL,
  "run_id" text NOT NULL,
  "recorded_at" text NOT NULL,
  PRIMARY KEY ("customer_id", "recorded_at")
);
COMMENT ON TABLE gold_history IS 'One row a customer and statement: where they were on a day, as was known then';
COMMENT ON COLUMN gold_history."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_history."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_history."segment" IS 'Key of the segment; `unsegmented` without one';
COMMENT ON COLUMN gold_history."segment_name" IS 'Name of the segment, for people';
COMMENT ON COLUMN gold_history."runner_up" IS 'Key of the next nearest segment';
COMMENT ON COLUMN gold_history."margin" IS '0 halfway between two segments, 1 on a centre';
COMMENT ON COLUMN gold_history."artifact_version" IS 'Version of the model that said so';
COMMENT ON COLUMN gold_history."run_id" IS 'Run or stream that said so';
COMMENT ON COLUMN gold_history."recorded_at" IS 'When it was recorded, UTC, as ISO 8601';

CREATE TABLE IF NOT EXISTS gold_movers (
  "customer_id" text NOT NULL,
  "from_segment" text NOT NULL,
  "from_name" text NOT NULL,
  "from_artifact_version" text NOT NULL,
  "from_as_of" timestamp NOT NULL,
  "as_of" timestamp NOT NULL,
  "to_segment" text NOT NULL,
  "to_name" text NOT NULL,
  "artifact_version" text NOT NULL,
  "cause" text NOT NULL,
  PRIMARY KEY ("customer_id")
);
COMMENT ON TABLE gold_movers IS 'One row a customer who is in another segment than in the state before';
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

CREATE TABLE IF NOT EXISTS gold_moves (
  "customer_id" text NOT NULL,
  "from_segment" text,
  "from_name" text,
  "to_segment" text,
  "to_name" text,
  "cause" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "artifact_version" text NOT NULL,
  "recorded_at" text NOT NULL,
  "run_id" text NOT NULL,
  PRIMARY KEY ("customer_id", "recorded_at")
);
COMMENT ON TABLE gold_moves IS 'One row a move that a stream saw, with its cause';
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

CREATE TABLE IF NOT EXISTS gold_campaign (
  "customer_id" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "campaign" text NOT NULL,
  "campaign_day" timestamp NOT NULL,
  "segment" text NOT NULL,
  "offer" text NOT NULL,
  "channel" text NOT NULL,
  "cost" double precision NOT NULL,
  "p_response" double precision,
  "expected_profit" double precision NOT NULL,
  "is_contacted" bigint NOT NULL,
  "in_hold_out" bigint NOT NULL,
  "chance" double precision NOT NULL,
  "why" text NOT NULL,
  "may_get" text NOT NULL,
  "artifact_version" text NOT NULL,
  PRIMARY KEY ("customer_id")
);
COMMENT ON TABLE gold_campaign IS 'One row a customer: what the campaign does with them, and why';
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

CREATE TABLE IF NOT EXISTS gold_campaign_inputs (
  "customer_id" text NOT NULL,
  "campaign" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "offer" text NOT NULL,
  "answer_factor" double precision NOT NULL,
  "chance" double precision NOT NULL,
  "p_response" double precision,
  "p_planned" double precision,
  "response_version" text NOT NULL,
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
  "recorded_at" text NOT NULL,
  "run_id" text NOT NULL,
  PRIMARY KEY ("customer_id", "campaign", "recorded_at")
);
COMMENT ON TABLE gold_campaign_inputs IS 'One row a customer whom a plan chose: what was known of them then';
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

CREATE TABLE IF NOT EXISTS gold_outcomes (
  "outcome_id" text NOT NULL,
  "revision" bigint NOT NULL,
  "customer_id" text NOT NULL,
  "campaign" text NOT NULL,
  "answered" double precision,
  "amount" double precision,
  "happened_at" text NOT NULL,
  "received_at" text NOT NULL,
  "sent_on" timestamp NOT NULL,
  "segment" text NOT NULL,
  "offer" text NOT NULL,
  "cost" double precision NOT NULL,
  "value" double precision NOT NULL,
  "in_hold_out" bigint NOT NULL,
  "p_response" double precision,
  "response_version" text,
  "recorded_at" text NOT NULL,
  "run_id" text NOT NULL,
  PRIMARY KEY ("outcome_id", "revision")
);
COMMENT ON TABLE gold_outcomes IS 'One row an outcome and revision: what came of a contact, beside it';
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

CREATE TABLE IF NOT EXISTS gold_lifetime_value (
  "customer_id" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "probability_alive" double precision,
  "expected_purchases" double precision,
  "value_per_purchase" double precision,
  "lifetime_value" double precision,
  PRIMARY KEY ("customer_id")
);
COMMENT ON TABLE gold_lifetime_value IS 'One row a customer: purchases and worth that are expected of them';
COMMENT ON COLUMN gold_lifetime_value."customer_id" IS 'Key of the customer, as the source has it';
COMMENT ON COLUMN gold_lifetime_value."as_of" IS 'Day of the snapshot that it holds for';
COMMENT ON COLUMN gold_lifetime_value."probability_alive" IS 'probability_alive';
COMMENT ON COLUMN gold_lifetime_value."expected_purchases" IS 'expected_purchases';
COMMENT ON COLUMN gold_lifetime_value."value_per_purchase" IS 'value_per_purchase';
COMMENT ON COLUMN gold_lifetime_value."lifetime_value" IS 'lifetime_value';

CREATE TABLE IF NOT EXISTS gold_feature_table (
  "customer_id" text NOT NULL,
  "event_timestamp" timestamp NOT NULL,
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
  PRIMARY KEY ("customer_id")
);
COMMENT ON TABLE gold_feature_table IS 'One row a customer: features raw and as the segmenter sees them';
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

CREATE TABLE IF NOT EXISTS gold_feature_history (
  "customer_id" text NOT NULL,
  "event_timestamp" timestamp NOT NULL,
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
  "as_of" timestamp NOT NULL,
  "feature_version" bigint NOT NULL,
  "artifact_version" text NOT NULL,
  "created_timestamp" timestamp NOT NULL,
  "recorded_at" text NOT NULL,
  "run_id" text NOT NULL,
  PRIMARY KEY ("customer_id", "recorded_at")
);
COMMENT ON TABLE gold_feature_history IS 'One row a customer and statement: features on a day, as was known';
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

CREATE TABLE IF NOT EXISTS gold_campaign_results (
  "campaign" text NOT NULL,
  "outcome" text NOT NULL,
  "level" text NOT NULL,
  "segment" text NOT NULL,
  "offer" text NOT NULL,
  "contacted" bigint NOT NULL,
  "held_out" bigint NOT NULL,
  "mean_contacted" double precision,
  "mean_held_out" double precision,
  "incremental" double precision,
  "low" double precision,
  "high" double precision,
  "cost" double precision NOT NULL,
  "profit" double precision,
  "profit_low" double precision,
  "profit_high" double precision,
  "verdict" text NOT NULL,
  PRIMARY KEY ("campaign", "outcome", "level", "segment", "offer")
);
COMMENT ON TABLE gold_campaign_results IS 'One row an outcome and part of a campaign: what it brought';
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

CREATE TABLE IF NOT EXISTS gold_monitoring (
  "source" text NOT NULL,
  "window_start" text NOT NULL,
  "window_end" text NOT NULL,
  "subject" text NOT NULL,
  "name" text NOT NULL,
  "measure" text NOT NULL,
  "value" double precision,
  "bound" double precision,
  "is_alarm" bigint NOT NULL,
  "since" text NOT NULL,
  "affected" bigint NOT NULL,
  "money" double precision,
  "customers" bigint NOT NULL,
  "artifact_version" text NOT NULL,
  "as_of" timestamp NOT NULL,
  "recorded_at" text NOT NULL,
  "run_id" text NOT NULL,
  PRIMARY KEY ("window_start", "source", "subject", "name", "measure", "recorded_at")
);
COMMENT ON TABLE gold_monitoring IS 'One row a figure of a window: how it is against the champion''s baseline';
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
