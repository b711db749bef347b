# Roles of deploy/access/roles.yml in one environment, taken by sts:AssumeRole, and the lake's policy.

locals {
  arns = {
    for role, home in merge({ for role in keys(var.roles) : role => "" }, var.guests) : role => home == ""
    ? "arn:aws:iam::${var.account}:role/${var.name}-${role}"
    : "arn:aws:iam::${var.other_account}:role/${var.project}-${home}-${role}"
  }
  rights = jsondecode(templatefile(var.rights, merge(local.arns, {
    account       = var.account
    other_account = var.other_account
    region        = var.region
  })))
  # The environments whose models a role promotes: their key is known here by its name alone.
  below = {
    for role, said in local.rights.roles : role => distinct([
      for arn in flatten(said.lake[*].Resource) : regex("^arn:aws:s3:::(.+)-lake-", arn)[0] if !startswith(arn, "arn:aws:s3:::${var.name}-lake-")
    ])
  }

  # A policy that names a role which is not there yet is refused. Guests of the same account have the
  # right by their own policies, and are excepted from the denials; of another account's, the account
  # is named, with a condition on the role.
  own    = [for role in keys(var.roles) : local.arns[role]]
  abroad = var.other_account == var.account ? [] : [for role in keys(var.guests) : local.arns[role]]
  allow = concat(
    [for one in local.rights.bucket : merge(one, {
      Principal = { AWS = [for arn in one.Principal.AWS : arn if contains(local.own, arn)] }
    }) if one.Effect == "Allow" && anytrue([for arn in try(one.Principal.AWS, []) : contains(local.own, arn)])],
    [for one in local.rights.bucket : merge(one, {
      Sid       = "${one.Sid}Abroad"
      Principal = { AWS = ["arn:aws:iam::${var.other_account}:root"] }
      Condition = { ArnEquals = { "aws:PrincipalArn" = [for arn in one.Principal.AWS : arn if contains(local.abroad, arn)] } }
    }) if one.Effect == "Allow" && anytrue([for arn in try(one.Principal.AWS, []) : contains(local.abroad, arn)])],
  )
  deny = [
    for one in local.rights.bucket : merge(one, {
      Condition = merge(one.Condition, {
        ArnNotEquals = {
          "aws:PrincipalArn" = concat(
            one.Condition.ArnNotEquals["aws:PrincipalArn"],
            !contains(one.Action, "s3:GetObject") ? concat(var.senders, var.rereaders, var.deployers) : var.rereaders,
          )
        }
      })
    }) if one.Effect == "Deny"
  ]
}

resource "aws_iam_role" "this" {
  for_each             = var.roles
  name                 = "${var.name}-${each.key}"
  description          = each.value
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "People"
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { AWS = lookup(var.trusted, each.key, ["arn:aws:iam::${var.account}:root"]) }
      }],
      [for service in lookup(var.services, each.key, []) : {
        Sid       = replace(title(replace(service, "/[.-]/", " ")), " ", "")
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = service }
      }],
    )
  })
}

resource "aws_iam_role_policy" "lake" {
  for_each = var.roles
  name     = "lake"
  role     = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.rights.roles[each.key].lake, local.rights.roles[each.key].online)
  })
}

resource "aws_iam_role_policy" "shared" {
  for_each = var.roles
  name     = "shared"
  role     = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "Key"
          Effect = "Allow"
          # GenerateDataKey is for writing: of tables, or of answers of Athena.
          Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
          Resource = [var.key_arn]
        },
        {
          Sid      = "Code"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:ListBucket"]
          Resource = [var.code_arn, "${var.code_arn}/*"]
        },
      ],
      [for home in local.below[each.key] : {
        Sid       = "KeyBelow"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey"]
        Resource  = ["arn:aws:kms:${var.region}:${var.other_account}:key/*"]
        Condition = { "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/${home}" } }
      }],
      lookup(var.grants, each.key, []),
    )
  })
}

resource "aws_s3_bucket_policy" "lake" {
  depends_on = [aws_iam_role.this]
  bucket     = var.bucket
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.allow,
      local.deny,
      var.bucket_statements,
      !var.tls_only ? [] : [{
        Sid       = "NobodyWithoutTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::${var.bucket}", "arn:aws:s3:::${var.bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
    )
  })
}
