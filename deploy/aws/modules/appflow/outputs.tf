output "bucket_statements" {
  description = "What the bucket's policy allows AppFlow, which writes on its own behalf."
  value = [
    {
      Sid       = "AppFlowPut"
      Effect    = "Allow"
      Principal = { Service = "appflow.amazonaws.com" }
      Action    = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource  = ["arn:aws:s3:::${var.bucket}/${var.landing}crm/*"]
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    },
    {
      Sid       = "AppFlowBucket"
      Effect    = "Allow"
      Principal = { Service = "appflow.amazonaws.com" }
      Action    = ["s3:ListBucketMultipartUploads", "s3:GetBucketAcl"]
      Resource  = ["arn:aws:s3:::${var.bucket}"]
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    },
  ]
}
