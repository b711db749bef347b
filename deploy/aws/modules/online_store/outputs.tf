output "setting" {
  description = "SEGMENTATION_FEATURE_STORE of runs and servers."
  value       = "dynamodb://${aws_dynamodb_table.features.name}"
}

output "arn" {
  description = "The table's ARN."
  value       = aws_dynamodb_table.features.arn
}
