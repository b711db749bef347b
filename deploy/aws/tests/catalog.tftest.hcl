mock_provider "aws" {}

variables {
  name              = "customer-segmentation-staging"
  account           = "000000000000"
  region            = "eu-central-1"
  bucket            = "lake"
  code_bucket       = "code"
  key_arn           = "arn:aws:kms:eu-central-1:000000000000:key/one"
  is_delta          = false
  crawler_role_arn  = "arn:aws:iam::000000000000:role/customer-segmentation-staging-ci"
  crawler_role_name = "customer-segmentation-staging-ci"
  tables = {
    gold_segments = { comment = "One row a customer", columns = [{ name = "customer_id", glue = "string", comment = "Key" }] }
    gold_history  = { comment = "One row a statement", columns = [{ name = "customer_id", glue = "string", comment = "Key" }] }
  }
  places = {
    gold_segments    = "gold/segments.parquet"
    gold_history     = "gold/history/"
    bronze_customers = "bronze/customers.parquet"
    silver_customers = "silver/customers.parquet"
  }
}

run "a_table_of_one_file_is_read_by_a_manifest_and_a_folder_as_it_is" {
  command = plan
  module {
    source = "./modules/catalog"
  }
  assert {
    condition     = aws_glue_catalog_table.gold["gold_segments"].storage_descriptor[0].location == "s3://code/manifests/gold_segments/" && aws_s3_object.manifest["gold_segments"].content == "s3://lake/gold/segments.parquet\n"
    error_message = "Athena would list a file as a folder, and find no rows."
  }
  assert {
    condition     = aws_glue_catalog_table.gold["gold_history"].storage_descriptor[0].location == "s3://lake/gold/history/" && length(aws_s3_object.manifest) == 1
    error_message = "A folder needs no manifest."
  }
}

run "delta_is_told_as_delta_and_crawled_as_delta" {
  command = plan
  module {
    source = "./modules/catalog"
  }
  variables {
    is_delta = true
    places   = { gold_segments = "gold/segments/", gold_history = "gold/history/", bronze_customers = "bronze/customers/", silver_customers = "silver/customers/" }
  }
  assert {
    condition     = aws_glue_catalog_table.gold["gold_segments"].parameters["table_type"] == "DELTA" && length(aws_s3_object.manifest) == 0
    error_message = "Removed rows would be counted: files of a Delta table are not its rows."
  }
  assert {
    condition     = aws_glue_crawler.layer["silver"].delta_target[0].create_native_delta_table && length(aws_glue_crawler.layer["silver"].s3_target) == 0
    error_message = "The crawler takes Delta's files for Parquet."
  }
}

run "the_job_runs_one_at_a_time" {
  command = plan
  module {
    source = "./modules/catalog"
  }
  variables {
    job = { script = "artifacts/1/segmentation.py", arguments = { "--env" = "staging" }, workers = 2, minutes = 60 }
  }
  assert {
    condition     = aws_glue_job.run[0].execution_property[0].max_concurrent_runs == 1 && aws_glue_job.run[0].glue_version == "6.0"
    error_message = "Two runs would contend for one lock, or on a Spark that the project does not know."
  }
}
