# What runs when: a state machine, its schedules, and the topic that it tells.

locals {
  kind      = var.job_function == null ? "emr" : "lambda"
  schedules = jsondecode(file("${path.module}/schedules.json"))[var.environment]
  spark = var.spark == null ? {
    application_id = "", job_role_arn = "", entry_point = "", conf_source = "", spark_submit_parameters = "", log_group = ""
    } : {
    application_id          = var.spark.application_id
    job_role_arn            = var.spark.job_role_arn
    entry_point             = var.spark.entry_point
    conf_source             = var.spark.conf_source
    log_group               = var.spark.log_group
    spark_submit_parameters = join(" ", concat([var.spark.parameters], [for name, value in var.settings : "--conf spark.emr-serverless.driverEnv.${name}=${value}"]))
  }
  definition = templatefile("${path.module}/${var.environment}.${local.kind}.json", merge(local.spark, {
    name             = var.name
    job_function     = coalesce(var.job_function, "none")
    bucket           = var.bucket
    results_bucket   = var.results_bucket
    scoring_function = var.scoring_function
    topic_arn        = aws_sns_topic.this.arn
    training_image   = try(var.training.image, "none")
    training_role    = try(var.training.role_arn, "none")
    training_machine = try(var.training.instance, "none")
  }))
  training = flatten([for training in var.training[*] : [
    {
      Sid      = "Training"
      Effect   = "Allow"
      Action   = ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob", "sagemaker:AddTags"]
      Resource = ["arn:aws:sagemaker:${var.region}:${var.account}:training-job/${var.name}-*"]
    },
    {
      Sid       = "TrainingRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [training.role_arn]
      Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
    },
    {
      Sid      = "TrainingEvents"
      Effect   = "Allow"
      Action   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
      Resource = ["arn:aws:events:${var.region}:${var.account}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"]
    },
  ]])
  by_function = [for function in var.job_function[*] :
    {
      Sid      = "Jobs"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = ["arn:aws:lambda:${var.region}:${var.account}:function:${function}"]
    }
  ]
  by_spark = flatten([for spark in var.spark[*] : [
    {
      Sid      = "Jobs"
      Effect   = "Allow"
      Action   = ["emr-serverless:StartJobRun"]
      Resource = [spark.application_arn]
    },
    {
      Sid      = "FollowJobs"
      Effect   = "Allow"
      Action   = ["emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"]
      Resource = ["${spark.application_arn}/jobruns/*"]
    },
    {
      Sid       = "JobRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [spark.job_role_arn]
      Condition = { StringEquals = { "iam:PassedToService" = "emr-serverless.amazonaws.com" } }
    },
    {
      # By this rule Step Functions learns that a job has ended.
      Sid      = "JobEvents"
      Effect   = "Allow"
      Action   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
      Resource = ["arn:aws:events:${var.region}:${var.account}:rule/StepFunctionsGetEventsForEMRServerlessJobRule"]
    },
  ]])
  assume = {
    for service in ["states", "scheduler"] : service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "${service}.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
      }]
    })
  }
}

resource "aws_sns_topic" "this" {
  name              = var.name
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "this" {
  arn = aws_sns_topic.this.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this.arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
      },
      {
        Sid       = "Runs"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.machine.arn }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this.arn
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "this" {
  for_each  = toset(var.subscribers)
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_log_group" "this" {
  # AWS asks for this beginning, so that the policy of logs stays short.
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_sfn_state_machine" "this" {
  name       = var.name
  role_arn   = aws_iam_role.machine.arn
  definition = local.definition
  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }
  tracing_configuration {
    enabled = true
  }
  depends_on = [aws_iam_role_policy.machine]
}

resource "aws_iam_role" "machine" {
  name               = "${var.name}-runs"
  description        = "The state machine: starts jobs and tells how they ended"
  assume_role_policy = local.assume["states"]
}

resource "aws_iam_role_policy" "machine" {
  name = "runs"
  role = aws_iam_role.machine.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.by_function, local.by_spark, local.training, [
      {
        Sid      = "Turns"
        Effect   = "Allow"
        Action   = ["states:ListExecutions"]
        Resource = [var.state_machine_arn]
      },
      {
        Sid      = "Outcomes"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["arn:aws:s3:::${var.results_bucket}/outcomes/*"]
      },
      {
        Sid      = "Tell"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [aws_sns_topic.this.arn]
      },
      {
        Sid      = "RefreshServing"
        Effect   = "Allow"
        Action   = ["lambda:UpdateFunctionConfiguration"]
        Resource = ["arn:aws:lambda:${var.region}:${var.account}:function:${var.scoring_function}"]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [var.key_arn]
      },
      {
        # These have no resources in IAM.
        Sid    = "Logs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
          "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
        ]
        Resource = ["*"]
      },
    ])
  })
}

# What training needs beside the lake, as SageMaker's own policies have it.
resource "aws_iam_role_policy" "training" {
  count = length(var.training[*])
  name  = "training"
  role  = var.training.role_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Image"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        Resource = ["arn:aws:ecr:${var.region}:${split(".", var.training.image)[0]}:repository/${regex("^[^/]+/([^:@]+)", var.training.image)[0]}"]
      },
      {
        # It has no resource in IAM.
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "Model"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = ["arn:aws:s3:::${var.results_bucket}/training/*"]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:/aws/sagemaker/TrainingJobs*"]
      },
      {
        Sid       = "Metrics"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = ["*"]
        Condition = { StringLike = { "cloudwatch:namespace" = "*SageMaker*" } }
      },
    ]
  })
}

resource "aws_iam_role" "schedules" {
  name               = "${var.name}-schedules"
  description        = "Starts the state machine at its times"
  assume_role_policy = local.assume["scheduler"]
}

resource "aws_iam_role_policy" "schedules" {
  name = "schedules"
  role = aws_iam_role.schedules.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Start"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = [aws_sfn_state_machine.this.arn]
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

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "this" {
  for_each                     = local.schedules
  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.this.name
  description                  = join(" and ", each.value.runs)
  schedule_expression          = each.value.expression
  schedule_expression_timezone = "UTC"
  kms_key_arn                  = var.key_arn
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_sfn_state_machine.this.arn
    role_arn = aws_iam_role.schedules.arn
    input    = jsonencode({ runs = each.value.runs })
  }
}
