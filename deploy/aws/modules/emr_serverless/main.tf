# Spark without a cluster: nothing runs, and nothing costs, between jobs.

resource "aws_emrserverless_application" "this" {
  name          = var.name
  release_label = var.release
  type          = "SPARK"
  architecture  = "X86_64"

  auto_start_configuration {
    enabled = true
  }
  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = 5
  }
  # One driver and its executors, with the tenth of memory that Spark takes beside its own.
  maximum_capacity {
    cpu    = "${var.sizes.driver_cores + var.sizes.executor_cores * var.sizes.max_executors} vCPU"
    memory = "${ceil(1.2 * (var.sizes.driver_gb + var.sizes.executor_gb * var.sizes.max_executors))} GB"
  }
  dynamic "network_configuration" {
    for_each = var.subnet_ids == null ? [] : [0]
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/emr-serverless/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_iam_role_policy" "jobs" {
  name = "jobs"
  role = var.runner_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Outcomes"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:aws:s3:::${var.results_bucket}/outcomes/*"]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
      {
        # It lists groups, and so has no narrower resource.
        Sid      = "FindLogs"
        Effect   = "Allow"
        Action   = ["logs:DescribeLogGroups"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:*"]
      },
    ]
  })
}
