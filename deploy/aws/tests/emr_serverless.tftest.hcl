mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:jobs" }
  }
}

variables {
  name           = "customer-segmentation-prod"
  account        = "000000000000"
  region         = "eu-central-1"
  key_arn        = "arn:aws:kms:eu-central-1:000000000000:key/one"
  runner_name    = "customer-segmentation-prod-service"
  results_bucket = "results"
  log_days       = 90
  sizes          = { driver_cores = 2, driver_gb = 8, executor_cores = 4, executor_gb = 16, max_executors = 4 }
}

run "nothing_is_kept_running_and_no_job_can_grow_without_end" {
  module {
    source = "./modules/emr_serverless"
  }
  assert {
    condition     = aws_emrserverless_application.this.auto_stop_configuration[0].enabled && aws_emrserverless_application.this.maximum_capacity[0].cpu == "18 vCPU" && aws_emrserverless_application.this.maximum_capacity[0].memory == "87 GB"
    error_message = "It would cost while nobody uses it, or more than was declared."
  }
}

run "a_job_writes_outcomes_and_its_log_besides_the_lake" {
  module {
    source = "./modules/emr_serverless"
  }
  assert {
    condition     = toset(flatten(jsondecode(aws_iam_role_policy.jobs.policy).Statement[*].Action)) == toset(["s3:PutObject", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:DescribeLogGroups"])
    error_message = "A job may do more than it needs."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.jobs.policy).Statement[0].Resource == ["arn:aws:s3:::results/outcomes/*"]
    error_message = "A job may write where it should not."
  }
}
