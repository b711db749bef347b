output "arns" {
  description = "The ARNs of roles, by role of deploy/access/roles.yml."
  value       = { for role, one in aws_iam_role.this : role => one.arn }
}

output "names" {
  description = "Their names, to attach what runs need besides."
  value       = { for role, one in aws_iam_role.this : role => one.name }
}
