# The online feature store, as src/customer_segmentation/feature_store/dynamodb.py keeps it.

resource "aws_dynamodb_table" "features" {
  name                        = "${var.name}-features"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "key"
  deletion_protection_enabled = var.keep_data

  attribute {
    name = "key"
    type = "S"
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }
  # A run fills it anew, and a customer who is forgotten must not come back from a copy.
  point_in_time_recovery {
    enabled = false
  }
}
