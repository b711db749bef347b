output "state_machine_arn" {
  description = "What runs the environment."
  value       = aws_sfn_state_machine.this.arn
}

output "topic_arn" {
  description = "The topic that is told of failures, refusals and alarms."
  value       = aws_sns_topic.this.arn
}

output "log_group" {
  description = "The machine's log."
  value       = aws_cloudwatch_log_group.this.name
}
