# Redshift Serverless over the same tables: it reads the lake through the catalog, and copies nothing.

resource "aws_redshiftserverless_namespace" "this" {
  namespace_name       = var.name
  db_name              = "segmentation"
  kms_key_id           = var.key_arn
  iam_roles            = [var.reader_role_arn]
  default_iam_role_arn = var.reader_role_arn
  log_exports          = ["userlog", "connectionlog", "useractivitylog"]
  # Secrets Manager makes the password and changes it; nobody types it.
  manage_admin_password            = true
  admin_password_secret_kms_key_id = var.key_arn
}

resource "aws_redshiftserverless_workgroup" "this" {
  namespace_name       = aws_redshiftserverless_namespace.this.namespace_name
  workgroup_name       = var.name
  base_capacity        = var.base_rpu
  publicly_accessible  = false
  enhanced_vpc_routing = true
  subnet_ids           = var.subnet_ids
  security_group_ids   = var.security_group_ids

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }
}

resource "aws_redshiftserverless_usage_limit" "month" {
  resource_arn  = aws_redshiftserverless_workgroup.this.arn
  usage_type    = "serverless-compute"
  period        = "monthly"
  amount        = var.rpu_hours_a_month
  breach_action = "deactivate"
}
