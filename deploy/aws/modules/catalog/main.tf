# Glue's catalog of an environment: a database a layer, the gold tables with their columns, a crawler
# that finds those of bronze and silver, and a job that runs the project.

locals {
  prefix   = replace(var.name, "-", "_")
  layers   = ["bronze", "silver", "gold"]
  gold     = { for table, said in var.tables : table => merge(said, { place = var.places[table] }) }
  crawled  = { for table, place in var.places : table => place if !startswith(table, "gold_") }
  is_file  = { for table, place in var.places : table => !endswith(place, "/") }
  hive     = "org.apache.hadoop.hive.ql.io"
  manifest = { for table, said in local.gold : table => "manifests/${table}/" if local.is_file[table] }
}

resource "aws_glue_catalog_database" "layer" {
  for_each     = toset(local.layers)
  name         = "${local.prefix}_${each.key}"
  description  = "${var.name}: tables of ${each.key}"
  location_uri = "s3://${var.bucket}/${each.key}/"
}

# Athena reads folders, and takes no file for one. A table that is one file is named in a manifest.
resource "aws_s3_object" "manifest" {
  for_each = local.manifest
  bucket   = var.code_bucket
  key      = "${each.value}manifest"
  content  = "s3://${var.bucket}/${var.places[each.key]}\n"
}

resource "aws_glue_catalog_table" "gold" {
  for_each      = local.gold
  database_name = aws_glue_catalog_database.layer["gold"].name
  name          = each.key
  description   = each.value.comment
  table_type    = "EXTERNAL_TABLE"
  # Delta's own log has the schema; Athena (engine version 3) and Redshift read it there.
  parameters = merge({ EXTERNAL = "TRUE", classification = var.is_delta ? "delta" : "parquet" }, !var.is_delta ? {} : {
    table_type                   = "DELTA"
    "spark.sql.sources.provider" = "delta"
  })

  storage_descriptor {
    location      = local.is_file[each.key] ? "s3://${var.code_bucket}/${local.manifest[each.key]}" : "s3://${var.bucket}/${each.value.place}"
    input_format  = local.is_file[each.key] ? "${local.hive}.SymlinkTextInputFormat" : "${local.hive}.parquet.MapredParquetInputFormat"
    output_format = local.is_file[each.key] ? "${local.hive}.HiveIgnoreKeyTextOutputFormat" : "${local.hive}.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "${local.hive}.parquet.serde.ParquetHiveSerDe"
      parameters            = { "serialization.format" = "1" }
    }
    dynamic "columns" {
      for_each = each.value.columns
      content {
        name    = columns.value.name
        type    = columns.value.glue
        comment = columns.value.comment
      }
    }
  }
}

resource "aws_glue_security_configuration" "this" {
  name = var.name
  encryption_configuration {
    cloudwatch_encryption {
      cloudwatch_encryption_mode = "SSE-KMS"
      kms_key_arn                = var.key_arn
    }
    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = "CSE-KMS"
      kms_key_arn                   = var.key_arn
    }
    s3_encryption {
      s3_encryption_mode = "SSE-KMS"
      kms_key_arn        = var.key_arn
    }
  }
}

resource "aws_glue_crawler" "layer" {
  for_each               = toset(distinct([for table in keys(local.crawled) : split("_", table)[0]]))
  name                   = "${var.name}-${each.key}"
  description            = "Finds the columns of ${each.key}, which the customers' own file decides"
  database_name          = aws_glue_catalog_database.layer[each.key].name
  role                   = var.crawler_role_arn
  schedule               = var.crawl
  table_prefix           = "${each.key}_"
  security_configuration = aws_glue_security_configuration.this.name

  dynamic "delta_target" {
    for_each = var.is_delta ? [1] : []
    content {
      delta_tables              = [for table, place in local.crawled : "s3://${var.bucket}/${place}" if startswith(table, "${each.key}_")]
      create_native_delta_table = true
      write_manifest            = false
    }
  }
  dynamic "s3_target" {
    for_each = var.is_delta ? {} : { for table, place in local.crawled : table => place if startswith(table, "${each.key}_") }
    content {
      path = "s3://${var.bucket}/${s3_target.value}"
    }
  }
  schema_change_policy {
    update_behavior = "UPDATE_IN_DATABASE"
    delete_behavior = "LOG"
  }
}

resource "aws_glue_job" "run" {
  count                  = var.job == null ? 0 : 1
  name                   = "${var.name}-run"
  description            = "Runs the project, as EMR Serverless does"
  role_arn               = var.crawler_role_arn
  glue_version           = "6.0"
  worker_type            = "G.1X"
  number_of_workers      = var.job.workers
  timeout                = var.job.minutes
  max_retries            = 0
  security_configuration = aws_glue_security_configuration.this.name
  default_arguments      = var.job.arguments

  command {
    name            = "glueetl"
    script_location = "s3://${var.code_bucket}/${var.job.script}"
  }
  # The run lock refuses a second run; it would be paid for all the same.
  execution_property {
    max_concurrent_runs = 1
  }
}

resource "aws_iam_role_policy" "crawler" {
  name = "catalog"
  role = var.crawler_role_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "WriteCatalog"
        Effect = "Allow"
        Action = ["glue:CreateTable", "glue:UpdateTable", "glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:UpdatePartition"]
        Resource = concat(
          ["arn:aws:glue:${var.region}:${var.account}:catalog"],
          [for layer in local.layers : "arn:aws:glue:${var.region}:${var.account}:database/${local.prefix}_${layer}"],
          [for layer in local.layers : "arn:aws:glue:${var.region}:${var.account}:table/${local.prefix}_${layer}/*"],
        )
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
        Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:/aws-glue/*"]
      },
    ]
  })
}
