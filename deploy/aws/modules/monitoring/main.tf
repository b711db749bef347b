# Numbers beyond their bounds call the topic; a dashboard shows the same numbers.

locals {
  machine = { StateMachineArn = var.state_machine_arn }
  api     = { ApiId = var.watches.api ? var.api_id : "none" }
  # Each alarm of deploy/deployment.yml by the metric that it means.
  metrics = merge(
    {
      failed_runs = { namespace = "AWS/States", metric = "ExecutionsFailed", dimensions = local.machine, statistic = "Sum" }
    },
    !var.watches.jobs ? {} : {
      quarantined_share = { namespace = var.name, metric = "QuarantinedShare", dimensions = {}, statistic = "Maximum" }
    },
  )
  said = { for name, one in local.metrics : name => merge(one, var.alarms[name]) }
  # How long since the last run that succeeded, in hours of which each must have had none.
  hours = floor(var.alarms["hours_since_gold"].above)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.said
  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = "${each.value.about}: ${each.value.runbook}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 60 * each.value.minutes
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "old" {
  alarm_name          = "${var.name}-hours-since-gold"
  alarm_description   = "${var.alarms["hours_since_gold"].about}: ${var.alarms["hours_since_gold"].runbook}"
  namespace           = "AWS/States"
  metric_name         = "ExecutionsSucceeded"
  dimensions          = local.machine
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = local.hours
  datapoints_to_alarm = local.hours
  # An hour without a run has no data.
  treat_missing_data = "breaching"
  alarm_actions      = [var.topic_arn]
  ok_actions         = [var.topic_arn]
}

# A run that ends by the clock is none that failed, and tells nobody itself.
resource "aws_cloudwatch_metric_alarm" "stuck" {
  alarm_name          = "${var.name}-stuck-runs"
  alarm_description   = "a run waited or worked longer than all its jobs may: docs/runbook.md#stuck-runs"
  namespace           = "AWS/States"
  metric_name         = "ExecutionsTimedOut"
  dimensions          = local.machine
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  count               = var.watches.messages ? 1 : 0
  alarm_name          = "${var.name}-dead-messages"
  alarm_description   = "messages that could not be answered wait for a person: docs/runbook.md#dead-messages"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = var.dead_queue }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic_arn]
}

# What the API promises: budgets of bad requests, and how fast they burn. What a function tells in
# its log has its name; of requests that fail the API itself knows more, such as time-outs.
locals {
  measured = {
    "slow-answers"     = { namespace = var.name, bad = "Slow", all = "Answered", dimensions = { function = "scoring" } }
    "slow-taking"      = { namespace = var.name, bad = "Slow", all = "Answered", dimensions = { function = "ingestion" } }
    "failing-requests" = { namespace = "AWS/ApiGateway", bad = "5xx", all = "Count", dimensions = local.api }
  }
  budgets = var.watches.api ? var.objectives.budgets : {}
  burning = merge([
    for name, one in local.budgets : merge([
      for window in one.windows : {
        for minutes in window.minutes : "${name}-${minutes}m" => merge(local.measured[name], { name = name, about = one.about, minutes = minutes, above = window.above })
      }
    ]...)
  ]...)
  # A budget burns too fast if it does over a long window, and still does over the short one.
  burnt = merge([
    for name, one in local.budgets : {
      for severity in toset(one.windows[*].severity) : "${name}-${severity}" => {
        about = "${one.about} (${severity}): ${one.runbook}"
        rule  = join(" OR ", [for window in one.windows : "(${join(" AND ", [for minutes in window.minutes : "ALARM(\"${var.name}-${name}-${minutes}m\")"])})" if window.severity == severity])
      }
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "burning" {
  for_each            = local.burning
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.about}, over ${each.value.minutes} minutes"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  metric_query {
    id          = "share"
    label       = "share of requests"
    return_data = true
    # Of few requests, one decides too much.
    expression = "IF(every >= ${var.objectives.least_requests}, FILL(bad, 0) / every, 0)"
  }
  dynamic "metric_query" {
    for_each = { bad = each.value.bad, every = each.value.all }
    content {
      id          = metric_query.key
      return_data = false
      metric {
        namespace   = each.value.namespace
        metric_name = metric_query.value
        dimensions  = each.value.dimensions
        stat        = "Sum"
        period      = 60 * each.value.minutes
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "burnt" {
  for_each          = local.burnt
  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.about
  alarm_rule        = each.value.rule
  alarm_actions     = [var.topic_arn]
  ok_actions        = [var.topic_arn]
  depends_on        = [aws_cloudwatch_metric_alarm.burning]
}

# Jobs say how they ended in a line of JSON: customer_segmentation.cloud_job.
resource "aws_cloudwatch_log_metric_filter" "quarantined" {
  count          = var.watches.jobs ? 1 : 0
  name           = "${var.name}-quarantined-share"
  log_group_name = var.job_logs
  pattern        = "{ $.quarantined_share = * }"
  metric_transformation {
    namespace = var.name
    name      = "QuarantinedShare"
    value     = "$.quarantined_share"
  }
}

resource "aws_cloudwatch_log_metric_filter" "refused" {
  count          = var.watches.jobs ? 1 : 0
  name           = "${var.name}-refused"
  log_group_name = var.job_logs
  pattern        = "{ $.outcome = \"refused\" }"
  metric_transformation {
    namespace = var.name
    name      = "RefusedPromotions"
    value     = "1"
  }
}

locals {
  functions = { FunctionName = var.scoring_function }
  charts = [
    { title = "Runs", lines = [["AWS/States", "ExecutionsSucceeded", local.machine], ["AWS/States", "ExecutionsFailed", local.machine]], statistic = "Sum" },
    { title = "Milliseconds of a run", lines = [["AWS/States", "ExecutionTime", local.machine]], statistic = "Maximum" },
    { title = "Share of rows left out", lines = [[var.name, "QuarantinedShare", {}]], statistic = "Maximum" },
    { title = "Promotions refused", lines = [[var.name, "RefusedPromotions", {}]], statistic = "Sum" },
    { title = "Requests", lines = [["AWS/ApiGateway", "Count", local.api], ["AWS/ApiGateway", "4xx", local.api], ["AWS/ApiGateway", "5xx", local.api]], statistic = "Sum" },
    { title = "Answered, slow and failed", lines = [for line in setproduct(["scoring", "ingestion"], ["Answered", "Slow", "Failed"]) : [var.name, line[1], { function = line[0] }]], statistic = "Sum" },
    { title = "Seconds of an answer, p99", lines = [for line in ["scoring", "ingestion"] : [var.name, "Seconds", { function = line }]], statistic = "p99" },
    { title = "Customers answered", lines = [[var.name, "Customers", { function = "scoring" }]], statistic = "Sum" },
    { title = "Milliseconds of a request, p99", lines = [["AWS/ApiGateway", "Latency", local.api], ["AWS/Lambda", "Duration", local.functions]], statistic = "p99" },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for place, chart in local.charts : {
      type   = "metric"
      x      = 12 * (place % 2)
      y      = 6 * floor(place / 2)
      width  = 12
      height = 6
      properties = {
        title   = chart.title
        region  = var.region
        stat    = chart.statistic
        period  = 300
        view    = "timeSeries"
        metrics = [for line in chart.lines : concat([line[0], line[1]], flatten([for key, value in line[2] : [key, value]]))]
      }
    }]
  })
}
