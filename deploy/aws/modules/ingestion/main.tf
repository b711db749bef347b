# What answers /v1/events and /v1/records: each request lands as a file before it is answered.

locals {
  function = "${var.name}-ingestion"
  lake     = "arn:aws:s3:::${var.bucket}"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.function}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_iam_role" "this" {
  name        = local.function
  description = "Lands events, records and outcomes that are posted"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "ingestion"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Land"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = [for folder in values(var.posted) : "${local.lake}/${folder}/*"]
      },
      {
        # A request that is sent again: what its key stands for, and whether its file is there.
        Sid      = "Again"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for folder in values(var.posted) : "${local.lake}/${folder}/*"]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:/aws/lambda/${local.function}:*"]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [var.key_arn]
      },
    ]
  })
}

resource "aws_lambda_function" "this" {
  function_name                  = local.function
  description                    = "Answers POST /v1/events and /v1/records as the API does"
  role                           = aws_iam_role.this.arn
  runtime                        = var.runtime
  architectures                  = ["x86_64"]
  handler                        = "customer_segmentation.serving.aws_lambda.ingestion.handle"
  filename                       = var.zip
  source_code_hash               = fileexists(var.zip) ? filebase64sha256(var.zip) : null
  memory_size                    = var.sizes.memory_mb
  timeout                        = var.sizes.timeout_seconds
  reserved_concurrent_executions = var.sizes.concurrency
  kms_key_arn                    = var.key_arn
  environment {
    variables = {
      SEGMENTATION_SERVING_INGEST_EVENTS   = "s3://${var.bucket}/${var.posted.events}"
      SEGMENTATION_SERVING_INGEST_RECORDS  = "s3://${var.bucket}/${var.posted.records}"
      SEGMENTATION_SERVING_INGEST_OUTCOMES = "s3://${var.bucket}/${var.posted.outcomes}"
      SEGMENTATION_CUSTOMER_KEYS           = jsonencode(var.customer_keys)
      SEGMENTATION_METRICS_NAMESPACE       = var.name
      SEGMENTATION_SLOW_SECONDS            = tostring(var.slow_seconds)
    }
  }
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}
