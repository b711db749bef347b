mock_provider "aws" {
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:000000000000:queue" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/mock" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:mock" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:000000000000:rule/mock" }
  }
}

variables {
  name              = "customer-segmentation-prod"
  account           = "000000000000"
  region            = "eu-central-1"
  key_arn           = "arn:aws:kms:eu-central-1:000000000000:key/one"
  zips              = { scoring = "scoring.zip", landing = "landing.zip" }
  runtime           = "python3.13"
  sizes             = { memory_mb = 1024, timeout_seconds = 15, concurrency = 20 }
  log_days          = 90
  reader_arn        = "arn:aws:iam::000000000000:role/customer-segmentation-prod-consumer"
  reader_name       = "customer-segmentation-prod-consumer"
  models            = "s3://lake/models"
  results_bucket    = "results"
  bucket            = "lake"
  landing           = "landed/source/"
  slow_seconds      = 0.25
  state_machine_arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:customer-segmentation-prod"
}

run "what_is_promised_is_told_to_cloudwatch" {
  module {
    source = "./modules/lambda"
  }
  assert {
    condition     = aws_lambda_function.scoring.environment[0].variables["SEGMENTATION_METRICS_NAMESPACE"] == var.name && aws_lambda_function.scoring.environment[0].variables["SEGMENTATION_SLOW_SECONDS"] == "0.25"
    error_message = "The function does not know what is slow, or where metrics go."
  }
}

run "what_lands_may_start_this_machine_and_nothing_else" {
  module {
    source = "./modules/lambda"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.landing.policy).Statement[0] == { Sid = "Start", Effect = "Allow", Action = ["states:StartExecution"], Resource = [var.state_machine_arn] }
    error_message = "The function may start other machines."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.landing.event_pattern).detail.object.key[0].prefix == var.landing
    error_message = "Files outside the landing folder would start runs, also those that a run writes."
  }
}

run "no_message_is_lost" {
  module {
    source = "./modules/lambda"
  }
  assert {
    condition     = aws_sqs_queue.requests.visibility_timeout_seconds >= 6 * aws_lambda_function.scoring.timeout
    error_message = "A message would come again while it is still worked on."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.requests.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead.arn && contains(aws_lambda_event_source_mapping.requests.function_response_types, "ReportBatchItemFailures")
    error_message = "One message that cannot be answered would take others with it."
  }
}

run "everything_is_encrypted_and_logs_end" {
  module {
    source = "./modules/lambda"
  }
  assert {
    condition     = alltrue([for q in [aws_sqs_queue.requests, aws_sqs_queue.dead] : q.kms_master_key_id == var.key_arn]) && alltrue([for f in [aws_lambda_function.scoring, aws_lambda_function.landing] : f.kms_key_arn == var.key_arn])
    error_message = "Messages or settings are not encrypted with the environment's key."
  }
  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.this : g.retention_in_days == 90 && g.kms_key_id == var.key_arn])
    error_message = "Logs are kept for ever, or in the clear."
  }
}
