# What every part of an environment shares; the parts are called in data.tf and compute.tf.

data "aws_caller_identity" "current" {}

locals {
  project     = jsondecode(file("${path.module}/project.json"))
  environment = local.project.environments[var.environment]
  name        = "${local.project.project}-${var.environment}"
  account     = data.aws_caller_identity.current.account_id
  tags        = merge(local.project.tags, { environment = var.environment })

  # Each part of data.tf and compute.tf that can be left out.
  parts = [
    "catalog", "glue_job", "athena", "online_store", "redshift", "storage_gateway", "transfer", "appflow",
    "api", "lambda", "emr_serverless", "orchestration", "monitoring", "sagemaker",
  ]
  on = {
    for part in local.parts : part => lookup(
      var.switches, part,
      contains(lookup(local.project.standing, part, [var.environment]), var.environment)
    )
  }
}
