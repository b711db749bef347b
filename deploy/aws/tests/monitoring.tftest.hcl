mock_provider "aws" {}

variables {
  name   = "customer-segmentation-prod"
  region = "eu-central-1"
  alarms = {
    failed_runs       = { above = 0, minutes = 5, about = "a run failed" }
    quarantined_share = { above = 0.2, minutes = 60, about = "rows" }
    api_errors        = { above = 5, minutes = 5, about = "errors" }
    api_p99_ms        = { above = 250, minutes = 5, about = "slow" }
    hours_since_gold  = { above = 30, minutes = 60, about = "old" }
  }
  topic_arn         = "arn:aws:sns:eu-central-1:000000000000:told"
  state_machine_arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:customer-segmentation-prod"
  watches           = { jobs = true, api = true, messages = true }
  job_logs          = "/aws/emr-serverless/customer-segmentation-prod"
  api_id            = "api"
  scoring_function  = "customer-segmentation-prod-scoring"
  dead_queue        = "customer-segmentation-prod-scoring-dead"
}

run "every_declared_alarm_is_watched_and_told" {
  module {
    source = "./modules/monitoring"
  }
  assert {
    condition     = toset(concat(keys(aws_cloudwatch_metric_alarm.this), ["hours_since_gold"])) == toset(keys(var.alarms))
    error_message = "An alarm is declared that nobody hears, or heard that nobody declared."
  }
  assert {
    condition     = alltrue([for name, one in aws_cloudwatch_metric_alarm.this : one.threshold == var.alarms[name].above && one.period == 60 * var.alarms[name].minutes && contains(one.alarm_actions, var.topic_arn)])
    error_message = "A bound is not the declared one, or calls nobody."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.old.evaluation_periods * aws_cloudwatch_metric_alarm.old.period == 30 * 3600 && aws_cloudwatch_metric_alarm.old.treat_missing_data == "breaching"
    error_message = "Old gold tables would go unnoticed."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.stuck.metric_name == "ExecutionsTimedOut" && contains(aws_cloudwatch_metric_alarm.stuck.alarm_actions, var.topic_arn)
    error_message = "A run that ends by the clock would go unnoticed."
  }
}

run "what_is_not_there_is_not_watched" {
  module {
    source = "./modules/monitoring"
  }
  variables {
    watches    = { jobs = false, api = false, messages = false }
    job_logs   = null
    api_id     = null
    dead_queue = null
  }
  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["failed_runs"] && length(aws_cloudwatch_log_metric_filter.refused) == 0
    error_message = "An alarm watches what is not there."
  }
}
