mock_provider "aws" {}

variables {
  name        = "customer-segmentation-prod"
  account     = "000000000000"
  region      = "eu-central-1"
  key_arn     = "arn:aws:kms:eu-central-1:000000000000:key/one"
  server_arn  = "arn:aws:iam::000000000000:role/customer-segmentation-prod-server"
  server_name = "customer-segmentation-prod-server"
  image       = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/customer-segmentation:1"
  models      = "s3://lake/models"
  monitoring  = "s3://lake/monitoring"
  sizes       = { instance = "ml.c6i.large", least = 1, most = 4, requests_per_instance = 6000 }
  features    = [{ name = "customer_id", type = "text" }, { name = "event_timestamp", type = "day" }, { name = "income", type = "number" }]
  log_days    = 90
}

run "the_endpoint_reads_the_champion_itself" {
  module {
    source = "./modules/sagemaker"
  }
  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].environment.SEGMENTATION_SERVING_BUNDLE == "s3://lake/models" && aws_sagemaker_model.this.execution_role_arn == var.server_arn
    error_message = "A promotion would not reach the endpoint, or it may do more than read and count."
  }
  assert {
    condition     = aws_sagemaker_model.this.primary_container[0].environment.SEGMENTATION_SERVING_MONITORING == "s3://lake/monitoring"
    error_message = "What it counts would be lost with the machine."
  }
}

run "it_grows_with_requests_between_its_bounds" {
  module {
    source = "./modules/sagemaker"
  }
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 1 && aws_appautoscaling_target.this.max_capacity == 4 && aws_appautoscaling_policy.this.target_tracking_scaling_policy_configuration[0].target_value == 6000
    error_message = "Its bounds are not those declared."
  }
}

run "the_feature_group_has_the_columns_of_the_table" {
  module {
    source = "./modules/sagemaker"
  }
  assert {
    condition     = [for one in aws_sagemaker_feature_group.this.feature_definition : "${one.feature_name} ${one.feature_type}"] == ["customer_id String", "event_timestamp String", "income Fractional"]
    error_message = "A feature is absent or of another type."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[0].Resource == ["arn:aws:ecr:eu-central-1:000000000000:repository/customer-segmentation"]
    error_message = "Other images could be read."
  }
}
