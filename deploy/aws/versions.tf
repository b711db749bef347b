terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
  # Bucket, key and region of the state come by -backend-config: docs/deploy_aws.md.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  # A plan for another account than the one that is meant ends before it begins.
  allowed_account_ids = var.account == null ? null : [var.account]

  # An emulator, which AWS_ENDPOINT_URL names, knows no hosts by bucket, no accounts and no machines.
  s3_use_path_style           = var.emulated
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  skip_region_validation      = var.emulated
  # What it lacks answers with an error at once, in place of minutes later.
  max_retries = var.emulated ? 3 : null

  default_tags {
    tags = local.tags
  }
}
