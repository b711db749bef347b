mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/mock" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:mock" }
  }
}

variables {
  name          = "customer-segmentation-prod"
  account       = "000000000000"
  region        = "eu-central-1"
  key_arn       = "arn:aws:kms:eu-central-1:000000000000:key/one"
  zip           = "scoring.zip"
  runtime       = "python3.13"
  sizes         = { memory_mb = 1024, timeout_seconds = 15, concurrency = 20 }
  log_days      = 90
  bucket        = "lake"
  posted        = { events = "landed/events", records = "landed/records", outcomes = "landed/outcomes" }
  customer_keys = ["ID", "customer_id"]
  slow_seconds  = 0.25
}

run "it_writes_and_reads_where_it_lands_and_nowhere_else" {
  module {
    source = "./modules/ingestion"
  }
  assert {
    condition = { for one in jsondecode(aws_iam_role_policy.this.policy).Statement : one.Sid => [one.Action, one.Resource] if startswith(one.Action[0], "s3:") } == {
      Land  = [["s3:PutObject"], ["arn:aws:s3:::lake/landed/events/*", "arn:aws:s3:::lake/landed/outcomes/*", "arn:aws:s3:::lake/landed/records/*"]]
      Again = [["s3:GetObject"], ["arn:aws:s3:::lake/landed/events/*", "arn:aws:s3:::lake/landed/outcomes/*", "arn:aws:s3:::lake/landed/records/*"]]
    }
    error_message = "The function may do more with the lake than land what is posted."
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables["SEGMENTATION_SERVING_INGEST_EVENTS"] == "s3://lake/landed/events" && jsondecode(aws_lambda_function.this.environment[0].variables["SEGMENTATION_CUSTOMER_KEYS"]) == ["ID", "customer_id"]
    error_message = "It lands elsewhere, or does not know whose an object is."
  }
}

run "it_answers_that_it_is_too_late_before_it_is_ended" {
  module {
    source = "./modules/ingestion"
  }
  assert {
    condition     = aws_lambda_function.this.timeout > 10
    error_message = "After ten seconds a caller is told to send again; the function would be gone by then."
  }
  assert {
    condition     = aws_lambda_function.this.kms_key_arn == var.key_arn && aws_cloudwatch_log_group.this.kms_key_id == var.key_arn && aws_cloudwatch_log_group.this.retention_in_days == 90
    error_message = "Settings or logs are in the clear, or logs are kept for ever."
  }
}
