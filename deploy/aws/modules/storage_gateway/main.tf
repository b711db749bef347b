# A folder in the company's own network (NFS) whose files appear in the landing folder. The gateway
# itself is a machine of yours, which Terraform joins and does not make.

locals {
  folder = "arn:aws:s3:::${var.bucket}/${var.landing}files/"
}

resource "aws_storagegateway_gateway" "this" {
  gateway_name     = var.name
  gateway_type     = "FILE_S3"
  gateway_timezone = var.timezone
  activation_key   = var.activation_key
}

resource "aws_storagegateway_cache" "this" {
  gateway_arn = aws_storagegateway_gateway.this.arn
  disk_id     = var.cache_disk
}

resource "aws_iam_role" "sender" {
  name        = "${var.name}-storage-gateway"
  description = "Puts customers' files into the landing folder from a mounted folder"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "StorageGateway"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "storagegateway.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy" "sender" {
  name = "landing"
  role = aws_iam_role.sender.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "List"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = ["arn:aws:s3:::${var.bucket}"]
      },
      {
        # It writes a file by parts and renames it when it is whole, which S3 has as copy and delete.
        Sid      = "Put"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = ["${local.folder}*"]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = [var.key_arn]
      },
    ]
  })
}

resource "aws_storagegateway_nfs_file_share" "landing" {
  depends_on = [aws_iam_role_policy.sender, aws_storagegateway_cache.this]

  file_share_name       = "landing"
  gateway_arn           = aws_storagegateway_gateway.this.arn
  location_arn          = local.folder
  role_arn              = aws_iam_role.sender.arn
  client_list           = var.clients
  kms_encrypted         = true
  kms_key_arn           = var.key_arn
  object_acl            = "private"
  default_storage_class = "S3_STANDARD"
  squash                = "RootSquash"
}
