mock_provider "aws" {
  mock_resource "aws_redshiftserverless_workgroup" {
    defaults = {
      arn = "arn:aws:redshift-serverless:eu-central-1:000000000000:workgroup/one"
    }
  }
}

variables {
  name              = "customer-segmentation-prod"
  key_arn           = "arn:aws:kms:eu-central-1:000000000000:key/one"
  reader_role_arn   = "arn:aws:iam::000000000000:role/customer-segmentation-prod-consumer"
  base_rpu          = 8
  rpu_hours_a_month = 100
}

run "redshift_is_encrypted_private_and_bounded_and_no_password_is_in_the_state" {
  command = plan
  module {
    source = "./modules/redshift"
  }
  assert {
    condition     = aws_redshiftserverless_namespace.this.kms_key_id == var.key_arn && aws_redshiftserverless_namespace.this.manage_admin_password && aws_redshiftserverless_namespace.this.admin_user_password == null
    error_message = "Redshift is not encrypted with the environment's key, or somebody knows its password."
  }
  assert {
    condition     = !aws_redshiftserverless_workgroup.this.publicly_accessible && contains([for p in aws_redshiftserverless_workgroup.this.config_parameter : "${p.parameter_key}=${p.parameter_value}"], "require_ssl=true")
    error_message = "Redshift is reached from the internet, or without TLS."
  }
  assert {
    condition     = aws_redshiftserverless_usage_limit.month.breach_action == "deactivate" && aws_redshiftserverless_usage_limit.month.amount == 100
    error_message = "A month may cost anything."
  }
}
