# The API's server behind an endpoint, and the feature table as a feature group.

locals {
  kinds      = { text = "String", day = "String", number = "Fractional" }
  repository = regex("^[^/]+/([^:@]+)", var.image)[0]
}

resource "aws_sagemaker_model" "this" {
  name               = var.name
  execution_role_arn = var.server_arn
  primary_container {
    image = var.image
    # The server reads the champion itself and looks for a new one each second: a promotion needs
    # no new model and no new endpoint.
    environment = {
      SEGMENTATION_SERVING_BUNDLE     = var.models
      SEGMENTATION_SERVING_MONITORING = var.monitoring
      AWS_REGION                      = var.region
    }
  }
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_sagemaker_endpoint_configuration" "this" {
  name        = var.name
  kms_key_arn = var.key_arn
  production_variants {
    variant_name           = "champion"
    model_name             = aws_sagemaker_model.this.name
    instance_type          = var.sizes.instance
    initial_instance_count = var.sizes.least
  }
}

resource "aws_sagemaker_endpoint" "this" {
  name                 = var.name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this.name
  deployment_config {
    blue_green_update_policy {
      traffic_routing_configuration {
        type                     = "ALL_AT_ONCE"
        wait_interval_in_seconds = 60
      }
    }
  }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "sagemaker"
  resource_id        = "endpoint/${aws_sagemaker_endpoint.this.name}/variant/champion"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = var.sizes.least
  max_capacity       = var.sizes.most
}

resource "aws_appautoscaling_policy" "this" {
  name               = "${var.name}-requests"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  target_tracking_scaling_policy_configuration {
    # A minute's requests of each machine.
    target_value       = var.sizes.requests_per_instance
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/sagemaker/Endpoints/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_sagemaker_feature_group" "this" {
  feature_group_name             = "${var.name}-features"
  description                    = "gold_feature_table"
  record_identifier_feature_name = "customer_id"
  event_time_feature_name        = "event_timestamp"
  role_arn                       = var.server_arn

  dynamic "feature_definition" {
    for_each = var.features
    content {
      feature_name = feature_definition.value.name
      feature_type = local.kinds[feature_definition.value.type]
    }
  }
  # No offline store: gold_feature_history in the lake is what it was on each day.
  online_store_config {
    enable_online_store = true
    security_config {
      kms_key_id = var.key_arn
    }
  }
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_iam_role_policy" "this" {
  name = "sagemaker"
  role = var.server_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Image"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        Resource = ["arn:aws:ecr:${var.region}:${split(".", var.image)[0]}:repository/${local.repository}"]
      },
      {
        # It has no resource in IAM.
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:/aws/sagemaker/*"]
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
