mock_provider "aws" {
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:000000000000:told" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/mock" }
  }
  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:mock" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:mock" }
  }
}

variables {
  name              = "customer-segmentation-prod"
  environment       = "prod"
  account           = "000000000000"
  region            = "eu-central-1"
  key_arn           = "arn:aws:kms:eu-central-1:000000000000:key/one"
  state_machine_arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:customer-segmentation-prod"
  spark = {
    application_id  = "app"
    application_arn = "arn:aws:emr-serverless:eu-central-1:000000000000:/applications/app"
    job_role_arn    = "arn:aws:iam::000000000000:role/customer-segmentation-prod-service"
    entry_point     = "s3://code/artifacts/current/segmentation.py"
    conf_source     = "s3://code/artifacts/current/conf-customer_segmentation.tar.gz"
    parameters      = "--conf spark.driver.cores=2"
    log_group       = "/aws/emr-serverless/customer-segmentation-prod"
  }
  settings         = { SEGMENTATION_TABLES = "s3a://lake" }
  bucket           = "lake"
  results_bucket   = "results"
  scoring_function = "customer-segmentation-prod-scoring"
  log_days         = 90
}

run "the_definition_is_whole_and_starts_spark" {
  module {
    source = "./modules/orchestration"
  }
  assert {
    condition     = strcontains(local.definition, "emr-serverless:startJobRun.sync") && !strcontains(local.definition, "$${") && jsondecode(local.definition).StartAt == "read_order"
    error_message = "The definition lacks what this environment knows."
  }
  assert {
    condition     = jsondecode(local.definition).States.scoring.Arguments.JobDriver.SparkSubmit.SparkSubmitParameters == "--conf spark.driver.cores=2 --conf spark.emr-serverless.driverEnv.SEGMENTATION_TABLES=s3a://lake"
    error_message = "Jobs would not find the tables."
  }
}

run "schedules_are_those_declared" {
  module {
    source = "./modules/orchestration"
  }
  assert {
    condition     = { for name, one in aws_scheduler_schedule.this : name => jsondecode(one.target[0].input).runs } == { prod = ["scoring"], prod_feedback = ["feedback"], prod_promotion = ["gate"] }
    error_message = "A schedule runs something else."
  }
}

run "the_machine_starts_its_own_jobs_alone" {
  module {
    source = "./modules/orchestration"
  }
  assert {
    condition = alltrue([
      for one in jsondecode(aws_iam_role_policy.machine.policy).Statement :
      !contains(one.Resource, "*") || one.Sid == "Logs"
    ]) && !anytrue([for one in jsondecode(aws_iam_role_policy.machine.policy).Statement : anytrue([for a in one.Action : strcontains(a, "*")])])
    error_message = "The machine may touch what is not its own."
  }
  assert {
    condition     = length([for one in jsondecode(aws_iam_role_policy.machine.policy).Statement : one if startswith(one.Sid, "Training")]) == 0
    error_message = "It may train in SageMaker where no image was given."
  }
}

run "a_function_can_take_the_place_of_spark" {
  module {
    source = "./modules/orchestration"
  }
  variables {
    spark        = null
    job_function = "job"
  }
  assert {
    condition     = strcontains(local.definition, "\"FunctionName\": \"job\"") && !strcontains(local.definition, "emr-serverless")
    error_message = "Jobs would go to Spark."
  }
}

run "training_takes_the_role_that_reads_what_lands_and_may_keep_its_model" {
  module {
    source = "./modules/orchestration"
  }
  variables {
    training = {
      image     = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/training:1"
      role_arn  = "arn:aws:iam::000000000000:role/customer-segmentation-prod-service"
      role_name = "customer-segmentation-prod-service"
      instance  = "ml.c6i.large"
    }
  }
  assert {
    condition     = jsondecode(local.definition).States.sagemaker_training.Arguments.RoleArn == var.training.role_arn && aws_iam_role_policy.training[0].role == var.training.role_name
    error_message = "Training has another role than the one with its rights."
  }
  assert {
    condition = { for one in jsondecode(aws_iam_role_policy.training[0].policy).Statement : one.Sid => one.Resource if contains(["Image", "Model"], one.Sid) } == {
      Image = ["arn:aws:ecr:eu-central-1:000000000000:repository/training"], Model = ["arn:aws:s3:::results/training/*"]
    }
    error_message = "It could not read its image or write its model, or others too."
  }
}
