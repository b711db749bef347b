output "application_id" {
  description = "Where jobs are started."
  value       = aws_emrserverless_application.this.id
}

output "application_arn" {
  description = "Its ARN."
  value       = aws_emrserverless_application.this.arn
}

output "log_group" {
  description = "Where drivers log to."
  value       = aws_cloudwatch_log_group.this.name
}
