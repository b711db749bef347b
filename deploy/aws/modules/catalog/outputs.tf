output "databases" {
  description = "The databases' names, by layer."
  value       = { for layer, one in aws_glue_catalog_database.layer : layer => one.name }
}

output "read" {
  description = "Statements of whoever asks the catalog."
  value = [{
    Sid    = "Catalog"
    Effect = "Allow"
    Action = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions"]
    Resource = concat(
      ["arn:aws:glue:${var.region}:${var.account}:catalog"],
      [for layer in local.layers : "arn:aws:glue:${var.region}:${var.account}:database/${local.prefix}_${layer}"],
      [for layer in local.layers : "arn:aws:glue:${var.region}:${var.account}:table/${local.prefix}_${layer}/*"],
    )
  }]
}
