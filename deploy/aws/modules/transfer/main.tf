# An SFTP door to the landing folder, by key; each sender has a folder of their own, and cannot read.

locals {
  folder = "arn:aws:s3:::${var.bucket}/${var.landing}"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/transfer/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_transfer_server" "this" {
  protocols                   = ["SFTP"]
  identity_provider_type      = "SERVICE_MANAGED"
  endpoint_type               = "PUBLIC"
  security_policy_name        = "TransferSecurityPolicy-2024-01"
  structured_log_destinations = ["${aws_cloudwatch_log_group.this.arn}:*"]
}

resource "aws_iam_role" "sender" {
  name        = "${var.name}-transfer"
  description = "Puts customers' files into the landing folder by SFTP"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Transfer"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "transfer.amazonaws.com" }
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
        Sid       = "List"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = ["arn:aws:s3:::${var.bucket}"]
        Condition = { StringLike = { "s3:prefix" = ["${var.landing}*"] } }
      },
      {
        Sid      = "Put"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
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

resource "aws_transfer_user" "sender" {
  for_each            = var.users
  server_id           = aws_transfer_server.this.id
  user_name           = each.key
  role                = aws_iam_role.sender.arn
  home_directory_type = "LOGICAL"
  home_directory_mappings {
    entry  = "/"
    target = "/${var.bucket}/${var.landing}${each.key}"
  }
}

resource "aws_transfer_ssh_key" "sender" {
  for_each = merge([for user, keys in var.users : { for number, key in keys : "${user}-${number}" => { user = user, key = key } }]...)

  server_id = aws_transfer_server.this.id
  user_name = aws_transfer_user.sender[each.value.user].user_name
  body      = each.value.key
}
