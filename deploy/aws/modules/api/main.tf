# The door: predictions and ingestion, each answered by its function, by who may.

locals {
  functions     = { scoring = var.scoring, ingestion = var.ingestion }
  routes        = { "/v1/segments" = "scoring", "/v1/events" = "ingestion", "/v1/records" = "ingestion", "/v1/outcomes" = "ingestion" }
  scopes        = var.jwt == null ? {} : { scoring = var.jwt.predict, ingestion = var.jwt.ingest }
  authorization = var.jwt == null ? "AWS_IAM" : "JWT"
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "Predictions and ingestion"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  count            = var.jwt == null ? 0 : 1
  api_id           = aws_apigatewayv2_api.this.id
  name             = "callers"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    issuer   = var.jwt.issuer
    audience = var.jwt.audience
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each               = local.functions
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "this" {
  for_each             = local.routes
  api_id               = aws_apigatewayv2_api.this.id
  route_key            = "POST ${each.key}"
  target               = "integrations/${aws_apigatewayv2_integration.this[each.value].id}"
  authorization_type   = local.authorization
  authorizer_id        = one(aws_apigatewayv2_authorizer.jwt[*].id)
  authorization_scopes = lookup(local.scopes, each.value, null)
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true
  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.requests_per_second
    throttling_burst_limit   = 2 * var.requests_per_second
  }
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    # Who asked what and how it went; bodies, which are personal, are not logged.
    format = jsonencode({
      request  = "$context.requestId"
      time     = "$context.requestTime"
      route    = "$context.routeKey"
      status   = "$context.status"
      caller   = var.jwt == null ? "$context.identity.userArn" : "$context.authorizer.claims.sub"
      bytes    = "$context.responseLength"
      latency  = "$context.responseLatency"
      error    = "$context.error.message"
      function = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_lambda_permission" "this" {
  for_each      = local.routes
  statement_id  = title(basename(each.key))
  action        = "lambda:InvokeFunction"
  function_name = local.functions[each.value].name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/POST${each.key}"
}
