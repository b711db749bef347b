output "function" {
  description = "The function: its name, and the ARN by which an API invokes it."
  value       = { name = aws_lambda_function.this.function_name, invoke_arn = aws_lambda_function.this.invoke_arn }
}

output "role_arn" {
  description = "The role that the lake's policy must let write, and read what it has written."
  value       = aws_iam_role.this.arn
}
