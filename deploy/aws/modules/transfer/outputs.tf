output "endpoint" {
  description = "The SFTP server's name."
  value       = aws_transfer_server.this.endpoint
}

output "role_arn" {
  description = "The ARN by which files are put."
  value       = aws_iam_role.sender.arn
}
