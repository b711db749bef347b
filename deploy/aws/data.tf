# Where data lies, who may touch it, and how it arrives and is asked.

locals {
  code_arn    = "arn:aws:s3:::${module.lake.buckets["code"]}"
  runner_arn  = module.access.arns[local.environment.runner]
  reader_arn  = module.access.arns[local.environment.reader]
  runner_name = module.access.names[local.environment.runner]
  reader_name = module.access.names[local.environment.reader]
  server_arn  = module.access.arns[local.environment.server]
  server_name = module.access.names[local.environment.server]
  # What runs takes the role that writes, what answers one that reads; the API's server also counts.
  taken_by = {
    runner = ["emr-serverless.amazonaws.com", "glue.amazonaws.com", "sagemaker.amazonaws.com"]
    reader = ["lambda.amazonaws.com", "redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
    server = ["sagemaker.amazonaws.com"]
  }
  services = {
    for role in distinct([local.environment.runner, local.environment.reader, local.environment.server]) : role => distinct(concat(
      role == local.environment.runner ? local.taken_by.runner : [],
      role == local.environment.reader ? local.taken_by.reader : [],
      role == local.environment.server ? local.taken_by.server : [],
    ))
  }
}

module "keys" {
  source = "./modules/keys"
  name   = local.name
  guests = coalesce(var.other_account, local.account) == local.account ? [] : [
    for role, home in local.environment.guests : "arn:aws:iam::${var.other_account}:role/${local.project.project}-${home}-${role}"
  ]
}

module "lake" {
  source    = "./modules/lake"
  name      = local.name
  account   = local.account
  key_arn   = module.keys.arn
  is_delta  = local.environment.delta
  retention = local.project.retention
  keep_data = var.keep_data
  tls_only  = !var.emulated
  package   = var.package
  release   = var.release
}

module "access" {
  source        = "./modules/access"
  name          = local.name
  project       = local.project.project
  account       = local.account
  other_account = coalesce(var.other_account, local.account)
  region        = var.region
  rights        = "${path.root}/access/${var.environment}.json"
  roles         = local.environment.roles
  guests        = local.environment.guests
  services      = local.services
  trusted       = var.trusted
  bucket        = module.lake.bucket
  code_arn      = local.code_arn
  key_arn       = module.keys.arn
  deployers     = var.deployers
  senders       = module.transfer[*].role_arn
  rereaders     = concat(module.storage_gateway[*].role_arn, module.ingestion[*].role_arn)
  grants = {
    for role in keys(local.environment.roles) : role => concat(
      flatten(module.catalog[*].read),
      flatten([for one in module.athena[*].ask : one[role]]),
    )
  }
  bucket_statements = flatten(module.appflow[*].bucket_statements)
  tls_only          = !var.emulated
}

module "online_store" {
  source    = "./modules/online_store"
  count     = local.on["online_store"] ? 1 : 0
  name      = local.name
  key_arn   = module.keys.arn
  keep_data = var.keep_data
}

module "catalog" {
  source            = "./modules/catalog"
  count             = local.on["catalog"] ? 1 : 0
  name              = local.name
  account           = local.account
  region            = var.region
  bucket            = module.lake.bucket
  code_bucket       = module.lake.buckets["code"]
  key_arn           = module.keys.arn
  is_delta          = local.environment.delta
  tables            = local.project.tables
  places            = local.environment.places
  crawler_role_arn  = local.runner_arn
  crawler_role_name = local.runner_name
  # What EMR Serverless runs job by job, here in one; it costs nothing until somebody starts it.
  job = !(local.on["glue_job"] && local.environment.delta) ? null : {
    script  = "artifacts/${var.release}/segmentation.py"
    workers = 2
    minutes = 240
    arguments = merge({ for name, value in local.settings : "--${name}" => value }, {
      "--datalake-formats"                 = "delta"
      "--python-virtual-env"               = "${local.artifacts}/environment-glue.tar.gz"
      "--enable-continuous-cloudwatch-log" = "true"
      "--env"                              = local.environment.kedro
      "--conf-source"                      = "${local.artifacts}/conf-customer_segmentation.tar.gz"
      # Metrics and figures go to `reporting` of the lake, as those of EMR's jobs do.
      "--STATE"   = "s3://${module.lake.bucket}"
      "--LANDING" = "s3://${module.lake.bucket}/${local.project.landing}"
    })
  }
}

module "athena" {
  source         = "./modules/athena"
  count          = local.on["athena"] ? 1 : 0
  name           = local.name
  account        = local.account
  region         = var.region
  key_arn        = module.keys.arn
  results_bucket = module.lake.buckets["results"]
  database       = "${replace(local.name, "-", "_")}_gold"
  roles          = keys(local.environment.roles)
  questions      = local.project.questions
  keep_data      = var.keep_data
}

module "redshift" {
  source             = "./modules/redshift"
  count              = local.on["redshift"] ? 1 : 0
  name               = local.name
  key_arn            = module.keys.arn
  reader_role_arn    = local.reader_arn
  base_rpu           = local.project.sizes.redshift.base_rpu
  rpu_hours_a_month  = local.project.sizes.redshift.rpu_hours_a_month
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
}

module "transfer" {
  source   = "./modules/transfer"
  count    = local.on["transfer"] ? 1 : 0
  account  = local.account
  name     = local.name
  bucket   = module.lake.bucket
  landing  = local.project.landing
  key_arn  = module.keys.arn
  users    = var.senders
  log_days = local.project.retention.logs
}

module "storage_gateway" {
  source         = "./modules/storage_gateway"
  count          = local.on["storage_gateway"] ? 1 : 0
  account        = local.account
  name           = local.name
  bucket         = module.lake.bucket
  landing        = local.project.landing
  key_arn        = module.keys.arn
  activation_key = var.gateway.activation_key
  cache_disk     = var.gateway.cache_disk
  clients        = var.gateway.clients
}

module "appflow" {
  source   = "./modules/appflow"
  count    = local.on["appflow"] ? 1 : 0
  name     = local.name
  account  = local.account
  region   = var.region
  bucket   = module.lake.bucket
  landing  = local.project.landing
  key_arn  = module.keys.arn
  profile  = var.crm.profile
  object   = var.crm.object
  fields   = var.crm.fields
  schedule = var.crm.schedule
}
