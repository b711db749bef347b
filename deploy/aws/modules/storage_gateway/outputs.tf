output "mount" {
  description = "The path to mount."
  value       = aws_storagegateway_nfs_file_share.landing.path
}

output "role_arn" {
  description = "The ARN by which files are put."
  value       = aws_iam_role.sender.arn
}
