output "environment" {
  description = "The variables of a run in this environment: docs/environments.md, Settings."
  value = {
    SEGMENTATION_BUCKET = module.lake.bucket
    SEGMENTATION_TABLES = "s3a://${module.lake.bucket}"
    SEGMENTATION_MODELS = "s3://${module.lake.bucket}/models"
    AWS_REGION          = var.region
    AWS_DEFAULT_REGION  = var.region
  }
}

output "landing" {
  description = "Where customers' files are put."
  value       = "s3://${module.lake.bucket}/${local.project.landing}"
}

output "runs" {
  description = "What runs the environment and the topic that it tells; null where it does not run by itself."
  value       = one(module.orchestration)
}

output "api" {
  description = "The API's id and address; null where there is none."
  value       = one(module.api)
}

output "scoring" {
  description = "The function that scores and the queue by which it is sent messages; null where there is none."
  value       = one(module.lambda)
}

output "ingestion" {
  description = "The function that takes events and records; null where there is none."
  value       = one(module.ingestion[*].function)
}
