# The buckets of an environment: the lake itself, code that clouds run, results of queries, and
# who asked for what.

locals {
  # Objects of Delta are as old as the rows in them, and live as long as the log names them: there
  # runs and `kedro maintain` remove what is over, and only what lands is removed by age.
  aged = var.is_delta ? ["landed"] : ["landed", "bronze", "silver", "gold", "reporting"]
  # What servers count by the hour are files in every environment.
  counts = { for kind in ["summaries", "shadow"] : "monitoring/${kind}/" => var.retention["counts"] }
  buckets = {
    lake    = { expire = merge({ for layer in local.aged : "${layer}/" => var.retention[layer] }, local.counts), versioned = !var.is_delta }
    code    = { expire = {}, versioned = true }
    results = { expire = { "" = var.retention["noncurrent"] }, versioned = false }
    logs    = { expire = { "" = var.retention["logs"] }, versioned = false }
  }
}

resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = "${var.name}-${each.key}-${var.account}"
  force_destroy = !var.keep_data
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    apply_server_side_encryption_by_default {
      # S3 writes its own access logs with no other key than its own.
      sse_algorithm     = each.key == "logs" ? "AES256" : "aws:kms"
      kms_master_key_id = each.key == "logs" ? null : var.key_arn
    }
    bucket_key_enabled = each.key != "logs"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = each.value.versioned ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each   = local.buckets
  bucket     = aws_s3_bucket.this[each.key].id
  depends_on = [aws_s3_bucket_versioning.this]

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {
      prefix = ""
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {
      prefix = ""
    }
    noncurrent_version_expiration {
      noncurrent_days = var.retention["noncurrent"]
    }
  }
  dynamic "rule" {
    for_each = each.value.expire
    content {
      id     = "older-${rule.key == "" ? "all" : replace(trim(rule.key, "/"), "/", "-")}"
      status = "Enabled"
      filter {
        prefix = rule.key
      }
      expiration {
        days = rule.value
      }
    }
  }
}

# The lake's own policy is of modules/access, beside the roles that it names.
resource "aws_s3_bucket_policy" "this" {
  for_each = { for name, bucket in local.buckets : name => bucket if name != "lake" && (var.tls_only || name == "logs") }
  bucket   = aws_s3_bucket.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      !var.tls_only ? [] : [{
        Sid       = "NobodyWithoutTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      each.key != "logs" ? [] : [{
        Sid       = "AccessLogs"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.this["logs"].arn}/lake/*"
        Condition = {
          ArnLike      = { "aws:SourceArn" = aws_s3_bucket.this["lake"].arn }
          StringEquals = { "aws:SourceAccount" = var.account }
        }
      }],
    )
  })
}

resource "aws_s3_bucket_logging" "lake" {
  depends_on    = [aws_s3_bucket_policy.this]
  bucket        = aws_s3_bucket.this["lake"].id
  target_bucket = aws_s3_bucket.this["logs"].id
  target_prefix = "lake/"
}

# What lands is told to EventBridge, whose rules are the orchestration's.
resource "aws_s3_bucket_notification" "lake" {
  bucket      = aws_s3_bucket.this["lake"].id
  eventbridge = true
}

# What make package wrote, for jobs. Each release has a folder, so that a run that is on keeps its own.
resource "aws_s3_object" "artifact" {
  for_each    = var.package == null ? toset([]) : fileset(var.package, "*.{py,gz,whl}")
  bucket      = aws_s3_bucket.this["code"].bucket
  key         = "artifacts/${var.release}/${each.key}"
  source      = "${var.package}/${each.key}"
  source_hash = filemd5("${var.package}/${each.key}")
  depends_on  = [aws_s3_bucket_server_side_encryption_configuration.this, aws_s3_bucket_versioning.this]
}
