# Numbers beyond their bounds call the topic; a dashboard shows the same numbers.

locals {
  machine = { StateMachineArn = var.state_machine_arn }
  api     = { ApiId = var.watches.api ? var.api_id : "none" }
  # Each alarm of deploy/deployment.yml by the metric that it means.
  metrics = merge(
    {
      failed_runs = { namespace = "AWS/States", metric = "ExecutionsFailed", dimensions = local.machine, statistic = "Sum" }
    },
    !var.watches.api ? {} : {
      api_errors = { namespace = "AWS/ApiGateway", metric = "5xx", dimensions = local.api, statistic = "Sum" }
      api_p99_ms = { namespace = "AWS/ApiGateway", metric = "Latency", dimensions = local.api, statistic = "p99" }
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
  alarm_description   = each.value.about
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
  alarm_description   = var.alarms["hours_since_gold"].about
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
  alarm_description   = "a run waited or worked longer than all its jobs may"
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
  alarm_description   = "messages that could not be answered wait for a person"
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
