# Where people ask the gold tables, and the questions that are ready. Each role has a workgroup of its
# own: whoever reads a workgroup's answers reads what another asked there.

locals {
  ready = { for pair in setproduct(var.roles, var.questions) : "${pair[0]}/${pair[1].name}" => merge(pair[1], { role = pair[0] }) }
}

resource "aws_athena_workgroup" "role" {
  for_each      = toset(var.roles)
  name          = "${var.name}-${each.key}"
  description   = "Questions of ${each.key} in ${var.name}; answers are encrypted, and end by age"
  force_destroy = !var.keep_data

  configuration {
    # A person's own settings could send answers elsewhere, unencrypted.
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.scanned_gb * 1024 * 1024 * 1024

    # Delta is read by this version only.
    engine_version {
      selected_engine_version = "Athena engine version 3"
    }
    result_configuration {
      output_location       = "s3://${var.results_bucket}/athena/${each.key}/"
      expected_bucket_owner = var.account
      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "question" {
  for_each    = local.ready
  name        = each.value.name
  description = "${each.value.title} ${each.value.about}"
  workgroup   = aws_athena_workgroup.role[each.value.role].id
  database    = var.database
  query       = each.value.sql
}
