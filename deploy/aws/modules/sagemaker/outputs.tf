output "endpoint" {
  description = "The endpoint's name."
  value       = aws_sagemaker_endpoint.this.name
}

output "feature_group" {
  description = "The feature group's name."
  value       = aws_sagemaker_feature_group.this.feature_group_name
}
