# Scoring, by request and by message; and what starts a run when a file lands.

locals {
  functions = { scoring = "${var.name}-scoring", landing = "${var.name}-landing" }
  results   = "${var.results_bucket}/scored"
  # By its name, so that the function need not wait for the queue, whose making takes a minute.
  queue_arn = "arn:aws:sqs:${var.region}:${var.account}:${var.name}-scoring"
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.functions
  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_lambda_function" "scoring" {
  function_name = local.functions.scoring
  description   = "Answers POST /v1/segments as the API does"
  role          = var.reader_arn
  runtime       = var.runtime
  architectures = ["x86_64"]
  handler       = "customer_segmentation.serving.aws_lambda.scoring.handle"
  filename      = var.zips.scoring
  # A plan without the zip, as in a test, says nothing of its content.
  source_code_hash               = fileexists(var.zips.scoring) ? filebase64sha256(var.zips.scoring) : null
  memory_size                    = var.sizes.memory_mb
  timeout                        = var.sizes.timeout_seconds
  reserved_concurrent_executions = var.sizes.concurrency
  kms_key_arn                    = var.key_arn
  environment {
    variables = {
      SEGMENTATION_SERVING_BUNDLE    = var.models
      SEGMENTATION_RESULTS           = "s3://${local.results}"
      SEGMENTATION_METRICS_NAMESPACE = var.name
      SEGMENTATION_SLOW_SECONDS      = tostring(var.slow_seconds)
    }
  }
  tracing_config {
    mode = "Active"
  }
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.scoring]
  lifecycle {
    # The state machine changes it after a promotion, so that every copy reads the new champion.
    ignore_changes = [description]
  }
}

resource "aws_iam_role_policy" "scoring" {
  name = "scoring"
  role = var.reader_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:/aws/lambda/${local.functions.scoring}:*"]
      },
      {
        # These have no resources in IAM.
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = ["*"]
      },
      {
        Sid      = "Messages"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = [local.queue_arn]
      },
      {
        Sid      = "Results"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:aws:s3:::${local.results}/*"]
      },
    ]
  })
}

# Messages that score without anybody waiting; what cannot be answered comes again five times.
resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-scoring-dead"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.key_arn
}

resource "aws_sqs_queue" "requests" {
  name                       = "${var.name}-scoring"
  visibility_timeout_seconds = 6 * var.sizes.timeout_seconds
  message_retention_seconds  = 345600
  kms_master_key_id          = var.key_arn
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
}

resource "aws_lambda_event_source_mapping" "requests" {
  event_source_arn        = aws_sqs_queue.requests.arn
  function_name           = aws_lambda_function.scoring.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
}

resource "aws_iam_role" "landing" {
  name        = local.functions.landing
  description = "Starts a run when a file lands"
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

resource "aws_iam_role_policy" "landing" {
  name = "landing"
  role = aws_iam_role.landing.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Start"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = [var.state_machine_arn]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:/aws/lambda/${local.functions.landing}:*"]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [var.key_arn]
      },
    ]
  })
}

resource "aws_lambda_function" "landing" {
  function_name    = local.functions.landing
  description      = "Starts a run when a file lands, once a version of it"
  role             = aws_iam_role.landing.arn
  runtime          = var.runtime
  architectures    = ["x86_64"]
  handler          = "customer_segmentation.serving.aws_lambda.landing.handle"
  filename         = var.zips.landing
  source_code_hash = fileexists(var.zips.landing) ? filebase64sha256(var.zips.landing) : null
  memory_size      = 128
  timeout          = 30
  kms_key_arn      = var.key_arn
  environment {
    variables = { STATE_MACHINE_ARN = var.state_machine_arn, LANDING_PREFIX = var.landing }
  }
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.landing]
}

resource "aws_cloudwatch_event_rule" "landing" {
  name        = "${var.name}-landing"
  description = "A file landed"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail      = { bucket = { name = [var.bucket] }, object = { key = [{ prefix = var.landing }] } }
  })
}

resource "aws_cloudwatch_event_target" "landing" {
  rule = aws_cloudwatch_event_rule.landing.name
  arn  = aws_lambda_function.landing.arn
}

resource "aws_lambda_permission" "landing" {
  statement_id  = "Landing"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.landing.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.landing.arn
}
