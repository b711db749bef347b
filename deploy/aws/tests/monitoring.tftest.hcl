mock_provider "aws" {}

variables {
  name   = "customer-segmentation-prod"
  region = "eu-central-1"
  alarms = {
    failed_runs       = { above = 0, minutes = 5, about = "a run failed", runbook = "docs/runbook.md#failed-runs" }
    quarantined_share = { above = 0.2, minutes = 60, about = "rows", runbook = "docs/runbook.md#quarantined-share" }
    hours_since_gold  = { above = 30, minutes = 60, about = "old", runbook = "docs/runbook.md#hours-since-gold" }
  }
  objectives = {
    least_requests = 100
    budgets = {
      slow-answers = {
        about   = "slow"
        runbook = "docs/runbook.md#slow-answers"
        windows = [
          { severity = "page", minutes = [60, 5], above = 0.144 },
          { severity = "page", minutes = [360, 30], above = 0.06 },
          { severity = "ticket", minutes = [1440, 120], above = 0.03 },
        ]
      }
      failing-requests = {
        about   = "failing"
        runbook = "docs/runbook.md#failing-requests"
        windows = [{ severity = "page", minutes = [60, 5], above = 0.0144 }]
      }
    }
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

run "a_budget_that_burns_over_both_windows_is_told" {
  module {
    source = "./modules/monitoring"
  }
  assert {
    condition     = aws_cloudwatch_composite_alarm.burnt["slow-answers-page"].alarm_rule == "(ALARM(\"${var.name}-slow-answers-60m\") AND ALARM(\"${var.name}-slow-answers-5m\")) OR (ALARM(\"${var.name}-slow-answers-360m\") AND ALARM(\"${var.name}-slow-answers-30m\"))"
    error_message = "The long and the short window are not both asked."
  }
  assert {
    condition     = keys(aws_cloudwatch_composite_alarm.burnt) == ["failing-requests-page", "slow-answers-page", "slow-answers-ticket"] && alltrue([for one in aws_cloudwatch_composite_alarm.burnt : contains(one.alarm_actions, var.topic_arn) && strcontains(one.alarm_description, "docs/runbook.md#")])
    error_message = "A budget burns that nobody is told of, or that the runbook lacks."
  }
  assert {
    condition     = alltrue([for one in values(aws_cloudwatch_composite_alarm.burnt) : alltrue([for name in flatten(regexall("ALARM\\(\"([^\"]+)\"\\)", one.alarm_rule)) : contains([for each in aws_cloudwatch_metric_alarm.burning : each.alarm_name], name)])])
    error_message = "A rule names an alarm that there is none of."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.burning["slow-answers-360m"].threshold == 0.06 && length(aws_cloudwatch_metric_alarm.burning["slow-answers-360m"].metric_query) == 3 && [for one in aws_cloudwatch_metric_alarm.burning["slow-answers-360m"].metric_query : one.metric[0].period if one.id == "bad"] == [21600]
    error_message = "A window is not of its length, or its bound is another."
  }
  assert {
    condition     = alltrue([for one in aws_cloudwatch_metric_alarm.burning : length(one.alarm_actions == null ? [] : one.alarm_actions) == 0])
    error_message = "One window alone tells somebody."
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
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["failed_runs"] && length(aws_cloudwatch_log_metric_filter.refused) == 0 && length(aws_cloudwatch_composite_alarm.burnt) == 0
    error_message = "An alarm watches what is not there."
  }
}
