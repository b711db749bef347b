mock_provider "aws" {}

variables {
  name      = "customer-segmentation-prod"
  key_arn   = "arn:aws:kms:eu-central-1:000000000000:key/one"
  keep_data = true
}

run "the_table_is_as_the_store_makes_it_encrypted_and_kept" {
  command = plan
  module {
    source = "./modules/online_store"
  }
  assert {
    condition     = aws_dynamodb_table.features.hash_key == "key" && aws_dynamodb_table.features.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.features.server_side_encryption[0].enabled
    error_message = "The store would not find its table, or finds it unencrypted."
  }
  assert {
    condition     = !aws_dynamodb_table.features.point_in_time_recovery[0].enabled && aws_dynamodb_table.features.deletion_protection_enabled
    error_message = "A forgotten customer could come back, or the table vanish."
  }
}
