# Customers from a CRM: all of them at each run, as one Parquet file in the landing folder.

resource "aws_appflow_flow" "customers" {
  name        = "${var.name}-customers"
  description = "${var.object} to the landing folder"
  kms_arn     = var.key_arn

  source_flow_config {
    connector_type         = "Salesforce"
    connector_profile_name = var.profile
    source_connector_properties {
      salesforce {
        object                      = var.object
        enable_dynamic_field_update = false
        include_deleted_records     = false
      }
    }
  }

  destination_flow_config {
    connector_type = "S3"
    destination_connector_properties {
      s3 {
        bucket_name   = var.bucket
        bucket_prefix = "${var.landing}crm"
        s3_output_format_config {
          file_type                   = "PARQUET"
          preserve_source_data_typing = true
          aggregation_config {
            aggregation_type = "SingleFile"
          }
          prefix_config {
            prefix_type = "FILENAME"
          }
        }
      }
    }
  }

  dynamic "task" {
    for_each = toset(var.fields)
    content {
      task_type         = "Map"
      source_fields     = [task.value]
      destination_field = task.value
      connector_operator {
        salesforce = "NO_OP"
      }
    }
  }
  task {
    task_type     = "Filter"
    source_fields = var.fields
    connector_operator {
      salesforce = "PROJECTION"
    }
  }

  trigger_config {
    trigger_type = "Scheduled"
    trigger_properties {
      scheduled {
        schedule_expression = var.schedule
        data_pull_mode      = "Complete"
      }
    }
  }
}
