output "alarms" {
  description = "The names of the alarms."
  value       = concat([for one in aws_cloudwatch_metric_alarm.this : one.alarm_name], [for one in aws_cloudwatch_composite_alarm.burnt : one.alarm_name], [aws_cloudwatch_metric_alarm.old.alarm_name], aws_cloudwatch_metric_alarm.dead[*].alarm_name)
}

output "dashboard" {
  description = "The dashboard's name."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
