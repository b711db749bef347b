mock_provider "aws" {}

variables {
  name           = "customer-segmentation-prod"
  account        = "000000000000"
  region         = "eu-central-1"
  key_arn        = "arn:aws:kms:eu-central-1:000000000000:key/one"
  results_bucket = "results"
  roles          = ["consumer", "steward"]
  database       = "customer_segmentation_prod_gold"
  questions      = [{ name = "freshness", title = "How old?", about = "A row a table", sql = "SELECT 1" }]
  keep_data      = true
}

run "answers_are_encrypted_bounded_and_a_role_s_own" {
  command = plan
  module {
    source = "./modules/athena"
  }
  assert {
    condition = alltrue([
      for one in aws_athena_workgroup.role : one.configuration[0].enforce_workgroup_configuration && one.configuration[0].bytes_scanned_cutoff_per_query > 0 && one.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS"
    ])
    error_message = "Answers could be kept unencrypted, or a query cost anything."
  }
  assert {
    condition     = aws_athena_workgroup.role["steward"].configuration[0].result_configuration[0].output_location == "s3://results/athena/steward/" && !strcontains(jsonencode(output.ask["consumer"]), "steward")
    error_message = "A consumer could read what a steward asked of personal data."
  }
  assert {
    condition     = length(aws_athena_named_query.question) == 2
    error_message = "A role lacks the questions."
  }
}
