mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "000000000000"
    }
  }
  mock_resource "aws_kms_key" {
    defaults = {
      arn = "arn:aws:kms:eu-central-1:000000000000:key/one"
    }
  }
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::000000000000:role/mock"
    }
  }
}

variables {
  region = "eu-central-1"
}

run "dev_is_planned" {
  command = plan
  variables {
    environment = "dev"
  }
}

run "staging_is_planned" {
  command = plan
  variables {
    environment = "staging"
  }
  assert {
    condition     = output.environment.SEGMENTATION_BUCKET == "customer-segmentation-staging-lake-000000000000"
    error_message = "The bucket of a run is not the lake's."
  }
}

run "prod_is_planned" {
  command = plan
  variables {
    environment = "prod"
  }
  assert {
    condition     = length(module.redshift) == 1 && length(module.transfer) + length(module.storage_gateway) + length(module.appflow) == 0
    error_message = "What costs standing money is on where it is not declared, or off where it is."
  }
}

run "a_switch_turns_a_part_off" {
  command = plan
  variables {
    environment = "prod"
    switches    = { redshift = false }
  }
  assert {
    condition     = length(module.redshift) == 0
    error_message = "The switch does nothing."
  }
}

run "an_unknown_environment_is_refused" {
  command = plan
  variables {
    environment = "test"
  }
  expect_failures = [var.environment]
}

run "an_unknown_part_is_refused" {
  command = plan
  variables {
    environment = "prod"
    switches    = { redshfit = false }
  }
  expect_failures = [var.switches]
}

run "everything_is_planned_at_once" {
  command = plan
  variables {
    environment = "prod"
    switches    = { transfer = true, storage_gateway = true, appflow = true }
    senders     = { shop = ["ssh-ed25519 one"] }
    gateway     = { activation_key = "ABCDE-12345-ABCDE-12345-ABCDE", cache_disk = "disk", clients = ["10.0.0.0/24"] }
    crm         = { profile = "sales", object = "Contact", fields = ["Id"] }
  }
  assert {
    condition     = length(module.transfer) + length(module.storage_gateway) + length(module.appflow) + length(module.redshift) == 4
    error_message = "A part is missing."
  }
}

run "a_part_that_needs_something_says_what" {
  command = plan
  variables {
    environment = "prod"
    switches    = { storage_gateway = true }
  }
  expect_failures = [var.switches]
}

run "an_endpoint_needs_an_image" {
  command = plan
  variables {
    environment = "prod"
    switches    = { sagemaker = true }
  }
  expect_failures = [var.switches]
}

run "jobs_are_told_settings_and_training_takes_the_role_that_reads_what_lands" {
  command = plan
  variables {
    environment = "prod"
    switches    = { sagemaker = true }
    settings    = { SEGMENTATION_SCHEMA = "wholesale" }
    images = {
      serving  = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/serving:1"
      training = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/training:1"
    }
  }
  assert {
    condition     = local.settings.SEGMENTATION_SCHEMA == "wholesale" && length(module.sagemaker) == 1
    error_message = "Jobs would not hear of a setting."
  }
  assert {
    condition     = local.training.role_name == "customer-segmentation-prod-service"
    error_message = "Training could not read what lands."
  }
}

run "a_setting_is_one_of_the_projects" {
  command = plan
  variables {
    environment = "prod"
    settings    = { MLFLOW_TRACKING_URI = "http://mlflow" }
  }
  expect_failures = [var.settings]
}
