mock_provider "aws" {}

variables {
  name      = "customer-segmentation-staging"
  account   = "000000000000"
  key_arn   = "arn:aws:kms:eu-central-1:000000000000:key/one"
  is_delta  = false
  retention = { landed = 30, bronze = 90, silver = 400, gold = 1200, counts = 400, reporting = 400, logs = 90, noncurrent = 7 }
  keep_data = true
}

run "every_bucket_is_private_and_encrypted" {
  command = plan
  module {
    source = "./modules/lake"
  }
  assert {
    condition     = alltrue([for b in aws_s3_bucket_public_access_block.this : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "A bucket could be made public."
  }
  assert {
    condition     = alltrue([for name, b in aws_s3_bucket_server_side_encryption_configuration.this : anytrue([for r in b.rule : r.apply_server_side_encryption_by_default[0].sse_algorithm == (name == "logs" ? "AES256" : "aws:kms")])])
    error_message = "A bucket is not encrypted with the environment's key."
  }
}

run "parquet_is_versioned_and_layers_end_by_age" {
  command = plan
  module {
    source = "./modules/lake"
  }
  assert {
    condition     = aws_s3_bucket_versioning.this["lake"].versioning_configuration[0].status == "Enabled"
    error_message = "Yesterday's Parquet could not be got back."
  }
  assert {
    condition     = { for r in aws_s3_bucket_lifecycle_configuration.this["lake"].rule : r.id => r.expiration[0].days if startswith(r.id, "older-") } == { older-landed = 30, older-bronze = 90, older-silver = 400, older-gold = 1200, older-reporting = 400, older-monitoring-summaries = 400, older-monitoring-shadow = 400 }
    error_message = "Retention is not what is declared."
  }
}

run "delta_is_not_versioned_and_its_files_do_not_end_by_age" {
  command = plan
  module {
    source = "./modules/lake"
  }
  variables {
    is_delta = true
  }
  assert {
    condition     = aws_s3_bucket_versioning.this["lake"].versioning_configuration[0].status == "Suspended"
    error_message = "S3 would keep what kedro maintain deletes."
  }
  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.this["lake"].rule : r.id if startswith(r.id, "older-")] == ["older-landed", "older-monitoring-shadow", "older-monitoring-summaries"]
    error_message = "A live file of a Delta table would be deleted by its age."
  }
}
