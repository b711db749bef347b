mock_provider "aws" {
  mock_resource "aws_apigatewayv2_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:api" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:mock" }
  }
}

variables {
  name     = "customer-segmentation-prod"
  key_arn  = "arn:aws:kms:eu-central-1:000000000000:key/one"
  log_days = 90
  scoring = {
    name       = "scoring"
    invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:000000000000:function:scoring/invocations"
  }
  ingestion = {
    name       = "ingestion"
    invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:000000000000:function:ingestion/invocations"
  }
}

run "callers_sign_where_nobody_issues_tokens" {
  module {
    source = "./modules/api"
  }
  assert {
    condition     = { for path, route in aws_apigatewayv2_route.this : path => route.authorization_type } == { "/v1/segments" = "AWS_IAM", "/v1/events" = "AWS_IAM", "/v1/records" = "AWS_IAM", "/v1/outcomes" = "AWS_IAM" }
    error_message = "A route is open to anybody."
  }
  assert {
    condition     = { for path, one in aws_lambda_permission.this : path => one.function_name } == { "/v1/segments" = "scoring", "/v1/events" = "ingestion", "/v1/records" = "ingestion", "/v1/outcomes" = "ingestion" } && alltrue([for path, one in aws_lambda_permission.this : endswith(one.source_arn, "/*/POST${path}")])
    error_message = "A function may be called by other routes than its own, or a route calls one that may not be."
  }
  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 100 && aws_cloudwatch_log_group.access.retention_in_days == 90
    error_message = "Callers are not held back, or nobody knows who called."
  }
}

run "a_token_opens_the_routes_of_its_own_scope" {
  module {
    source = "./modules/api"
  }
  variables {
    jwt = { issuer = "https://issuer.example.com", audience = ["segmentation"] }
  }
  assert {
    condition     = { for path, route in aws_apigatewayv2_route.this : path => one(route.authorization_scopes) } == { "/v1/segments" = "segmentation/predict", "/v1/events" = "segmentation/ingest", "/v1/records" = "segmentation/ingest", "/v1/outcomes" = "segmentation/ingest" }
    error_message = "A token for predictions could send events, or the other way round."
  }
  assert {
    condition     = alltrue([for r in aws_apigatewayv2_route.this : r.authorization_type == "JWT"])
    error_message = "Anybody may send events."
  }
}
