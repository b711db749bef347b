# The ways by which customers' files arrive: SFTP, a mounted folder, a CRM.

mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:eu-central-1:000000000000:log-group:one"
    }
  }
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::000000000000:role/mock"
    }
  }
  mock_resource "aws_transfer_server" {
    defaults = {
      id = "s-0123456789abcdef0"
    }
  }
  mock_resource "aws_storagegateway_gateway" {
    defaults = {
      arn = "arn:aws:storagegateway:eu-central-1:000000000000:gateway/sgw-1"
    }
  }
}

variables {
  name     = "customer-segmentation-prod"
  account  = "000000000000"
  region   = "eu-central-1"
  bucket   = "lake"
  landing  = "landed/source/"
  key_arn  = "arn:aws:kms:eu-central-1:000000000000:key/one"
  log_days = 90
}

run "who_sends_by_sftp_has_a_key_and_a_folder_of_their_own" {
  module {
    source = "./modules/transfer"
  }
  variables {
    users = { shop = ["ssh-ed25519 one", "ssh-ed25519 two"], web = ["ssh-ed25519 three"] }
  }
  assert {
    condition     = aws_transfer_server.this.protocols == toset(["SFTP"]) && aws_transfer_server.this.security_policy_name == "TransferSecurityPolicy-2024-01"
    error_message = "A protocol without encryption, or old ciphers, are served."
  }
  assert {
    condition     = one(aws_transfer_user.sender["shop"].home_directory_mappings).target == "/lake/landed/source/shop" && length(aws_transfer_ssh_key.sender) == 3
    error_message = "Senders share a folder, or a key is lost."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.sender.policy, "s3:GetObject") && !strcontains(aws_iam_role_policy.sender.policy, "s3:DeleteObject")
    error_message = "Who sends may read or remove what others sent."
  }
}

run "a_mounted_folder_is_encrypted_and_writes_the_landing_folder_alone" {
  module {
    source = "./modules/storage_gateway"
  }
  variables {
    activation_key = "ABCDE-12345-ABCDE-12345-ABCDE"
    cache_disk     = "disk"
    clients        = ["10.0.0.0/24"]
  }
  assert {
    condition     = aws_storagegateway_nfs_file_share.landing.kms_encrypted && aws_storagegateway_nfs_file_share.landing.client_list == toset(["10.0.0.0/24"]) && endswith(aws_storagegateway_nfs_file_share.landing.location_arn, "lake/landed/source/files/")
    error_message = "The folder is open to all, not encrypted, or elsewhere."
  }
}

run "a_crm_gives_all_customers_as_one_file" {
  module {
    source = "./modules/appflow"
  }
  variables {
    profile = "sales"
    object  = "Contact"
    fields  = ["Id", "Birthdate"]
  }
  assert {
    condition     = aws_appflow_flow.customers.trigger_config[0].trigger_properties[0].scheduled[0].data_pull_mode == "Complete" && aws_appflow_flow.customers.kms_arn == var.key_arn
    error_message = "A part of the customers would be taken for all of them."
  }
  assert {
    condition     = output.bucket_statements[0].Resource == ["arn:aws:s3:::lake/landed/source/crm/*"] && alltrue([for one in output.bucket_statements : one.Condition.StringEquals["aws:SourceAccount"] == var.account])
    error_message = "Another account's flow could write here."
  }
}
