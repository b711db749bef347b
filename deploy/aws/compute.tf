# What runs, answers and tells: in environments that run by themselves, those with a schedule.

locals {
  runs = { for part, on in local.on : part => on && length(local.environment.schedules) > 0 }
  # By names alone, as the parts name each other.
  state_machine_arn = "arn:aws:states:${var.region}:${local.account}:stateMachine:${local.name}"
  scoring_function  = "${local.name}-scoring"
  models            = "s3://${module.lake.bucket}/models"
  results           = module.lake.buckets["results"]
  artifacts         = "s3://${module.lake.buckets["code"]}/artifacts/${var.release}"
  python            = "./environment/bin/python"
  spark = {
    "spark.archives"                                       = "${local.artifacts}/environment-emr.tar.gz#environment"
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON" = local.python
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON"        = local.python
    "spark.executorEnv.PYSPARK_PYTHON"                     = local.python
    "spark.jars"                                           = "/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar"
    "spark.driver.cores"                                   = local.project.sizes.emr.driver_cores
    "spark.driver.memory"                                  = "${local.project.sizes.emr.driver_gb}g"
    "spark.executor.cores"                                 = local.project.sizes.emr.executor_cores
    "spark.executor.memory"                                = "${local.project.sizes.emr.executor_gb}g"
    "spark.dynamicAllocation.maxExecutors"                 = local.environment.scaling.emr.max_executors
  }
  settings = merge(
    {
      SEGMENTATION_BUCKET = module.lake.bucket
      SEGMENTATION_TABLES = "s3a://${module.lake.bucket}"
      SEGMENTATION_MODELS = local.models
      # The champion of the environment below, where there is one.
      SEGMENTATION_MODELS_BELOW = local.environment.below == null ? local.models : "s3://${local.project.project}-${local.environment.below}-lake-${coalesce(var.other_account, local.account)}/models"
      SEGMENTATION_USER         = local.name
      AWS_REGION                = var.region
      AWS_DEFAULT_REGION        = var.region
    },
    var.settings,
  )
  # It reads what lands, which only the runner may.
  training = var.images.training == null ? null : {
    image     = var.images.training
    role_arn  = local.runner_arn
    role_name = local.runner_name
    instance  = local.project.sizes.sagemaker.instance
  }
}

module "emr_serverless" {
  source             = "./modules/emr_serverless"
  count              = local.runs["emr_serverless"] && var.job_function == null ? 1 : 0
  name               = local.name
  account            = local.account
  region             = var.region
  key_arn            = module.keys.arn
  runner_name        = local.runner_name
  results_bucket     = local.results
  log_days           = local.project.retention.logs
  sizes              = merge(local.project.sizes.emr, local.environment.scaling.emr)
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
}

module "orchestration" {
  source            = "./modules/orchestration"
  count             = local.runs["orchestration"] && (local.runs["emr_serverless"] || var.job_function != null) ? 1 : 0
  name              = local.name
  environment       = var.environment
  account           = local.account
  region            = var.region
  key_arn           = module.keys.arn
  state_machine_arn = local.state_machine_arn
  job_function      = var.job_function
  spark = var.job_function != null ? null : {
    application_id  = one(module.emr_serverless[*].application_id)
    application_arn = one(module.emr_serverless[*].application_arn)
    job_role_arn    = local.runner_arn
    entry_point     = "${local.artifacts}/segmentation.py"
    conf_source     = "${local.artifacts}/conf-customer_segmentation.tar.gz"
    parameters      = join(" ", [for name, value in local.spark : "--conf ${name}=${value}"])
    log_group       = one(module.emr_serverless[*].log_group)
  }
  settings         = local.settings
  training         = local.training
  bucket           = module.lake.bucket
  results_bucket   = local.results
  scoring_function = local.scoring_function
  log_days         = local.project.retention.logs
  subscribers      = var.subscribers
}

module "lambda" {
  source            = "./modules/lambda"
  count             = local.runs["lambda"] ? 1 : 0
  name              = local.name
  account           = local.account
  region            = var.region
  key_arn           = module.keys.arn
  zips              = var.zips
  runtime           = var.runtime
  sizes             = local.project.sizes.lambda
  log_days          = local.project.retention.logs
  reader_arn        = local.reader_arn
  reader_name       = local.reader_name
  models            = local.models
  results_bucket    = local.results
  bucket            = module.lake.bucket
  landing           = local.project.landing
  state_machine_arn = local.state_machine_arn
  slow_seconds      = local.project.objectives.budgets["slow-answers"].slow_seconds
}

module "ingestion" {
  source        = "./modules/ingestion"
  count         = local.runs["api"] && local.runs["lambda"] ? 1 : 0
  name          = local.name
  account       = local.account
  region        = var.region
  key_arn       = module.keys.arn
  zip           = var.zips.scoring
  runtime       = var.runtime
  sizes         = local.project.sizes.lambda
  log_days      = local.project.retention.logs
  bucket        = module.lake.bucket
  posted        = local.project.posted
  customer_keys = local.project.customer_keys
  slow_seconds  = local.project.objectives.budgets["slow-taking"].slow_seconds
}

module "api" {
  source    = "./modules/api"
  count     = length(module.ingestion)
  name      = local.name
  key_arn   = module.keys.arn
  log_days  = local.project.retention.logs
  scoring   = one(module.lambda[*].scoring)
  ingestion = one(module.ingestion[*].function)
  jwt       = var.jwt
}

module "monitoring" {
  source            = "./modules/monitoring"
  count             = local.runs["monitoring"] ? length(module.orchestration) : 0
  name              = local.name
  region            = var.region
  alarms            = local.project.alarms
  objectives        = local.project.objectives
  topic_arn         = one(module.orchestration[*].topic_arn)
  state_machine_arn = local.state_machine_arn
  watches = {
    jobs     = length(module.emr_serverless) > 0
    api      = length(module.api) > 0
    messages = length(module.lambda) > 0
  }
  job_logs         = one(module.emr_serverless[*].log_group)
  api_id           = one(module.api[*].id)
  scoring_function = local.scoring_function
  dead_queue       = one(module.lambda[*].dead_queue)
}

module "sagemaker" {
  source      = "./modules/sagemaker"
  count       = local.runs["sagemaker"] ? 1 : 0
  name        = local.name
  account     = local.account
  region      = var.region
  key_arn     = module.keys.arn
  server_arn  = local.server_arn
  server_name = local.server_name
  image       = var.images.serving
  models      = local.models
  monitoring  = "s3://${module.lake.bucket}/monitoring"
  sizes       = merge(local.project.sizes.sagemaker, local.environment.scaling.sagemaker)
  features    = [for one in local.project.tables.gold_feature_table.columns : { name = one.name, type = one.type }]
  log_days    = local.project.retention.logs
}
