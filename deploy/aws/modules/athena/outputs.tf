output "workgroups" {
  description = "The workgroups' names, by role."
  value       = { for role, one in aws_athena_workgroup.role : role => one.name }
}

output "ask" {
  description = "Statements of whoever asks, by role; what a query may read are the rights on the lake."
  value = { for role in var.roles : role => [
    {
      Sid    = "Ask"
      Effect = "Allow"
      Action = [
        "athena:GetWorkGroup", "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution",
        "athena:GetQueryResults", "athena:ListQueryExecutions", "athena:GetNamedQuery", "athena:ListNamedQueries",
        "athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution",
      ]
      Resource = ["arn:aws:athena:${var.region}:${var.account}:workgroup/${var.name}-${role}"]
    },
    {
      Sid      = "Answers"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource = ["arn:aws:s3:::${var.results_bucket}/athena/${role}/*"]
    },
    {
      Sid      = "AnswersList"
      Effect   = "Allow"
      Action   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
      Resource = ["arn:aws:s3:::${var.results_bucket}"]
    },
  ] }
}
