output "id" {
  description = "The API's id, a dimension of its metrics."
  value       = aws_apigatewayv2_api.this.id
}

output "url" {
  description = "Where callers post to."
  value       = aws_apigatewayv2_api.this.api_endpoint
}
