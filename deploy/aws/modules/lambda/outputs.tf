output "functions" {
  description = "The names of the functions."
  value       = { scoring = aws_lambda_function.scoring.function_name, landing = aws_lambda_function.landing.function_name }
}

output "scoring" {
  description = "The function that scores: its name, ARN and the ARN by which an API invokes it."
  value = {
    name       = aws_lambda_function.scoring.function_name
    arn        = aws_lambda_function.scoring.arn
    invoke_arn = aws_lambda_function.scoring.invoke_arn
  }
}

output "queue_url" {
  description = "Where messages to be scored are sent."
  value       = aws_sqs_queue.requests.url
}

output "dead_queue" {
  description = "The name of the queue of what could not be answered."
  value       = aws_sqs_queue.dead.name
}
