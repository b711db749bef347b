mock_provider "aws" {}

variables {
  name          = "customer-segmentation-prod"
  project       = "customer-segmentation"
  account       = "000000000000"
  other_account = "000000000000"
  region        = "eu-central-1"
  rights        = "access/prod.json"
  roles         = { service = "runs", consumer = "reads", server = "counts", steward = "answers" }
  guests        = {}
  services      = { service = ["glue.amazonaws.com"] }
  bucket        = "customer-segmentation-prod-lake-000000000000"
  code_arn      = "arn:aws:s3:::customer-segmentation-prod-code-000000000000"
  key_arn       = "arn:aws:kms:eu-central-1:000000000000:key/one"
  senders       = ["arn:aws:iam::000000000000:role/customer-segmentation-prod-transfer"]
  rereaders     = ["arn:aws:iam::000000000000:role/customer-segmentation-prod-ingestion"]
}

run "policies_name_actions_and_resources" {
  command = plan
  module {
    source = "./modules/access"
  }
  assert {
    condition = alltrue([
      for policy in concat(values(aws_iam_role_policy.lake), values(aws_iam_role_policy.shared)) : alltrue([
        for one in jsondecode(policy.policy).Statement : !contains(one.Action, "*") && !contains(one.Resource, "*") && !anytrue([for action in one.Action : endswith(action, ":*")])
      ])
    ])
    error_message = "A role may do anything, or to anything."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.lake["consumer"].policy, "s3:PutObject") && strcontains(aws_iam_role_policy.lake["service"].policy, "s3:PutObject")
    error_message = "Who reads may write, or who writes may not."
  }
  assert {
    condition = [
      for one in jsondecode(aws_iam_role_policy.lake["server"].policy).Statement : one.Resource if contains(one.Action, "s3:PutObject")
    ] == [[for each in ["summaries", "shadow"] : "arn:aws:s3:::${var.bucket}/monitoring/${each}/*"]]
    error_message = "A server cannot keep its counts, or may write more."
  }
}

run "a_role_is_taken_by_the_account_and_its_services_alone" {
  command = plan
  module {
    source = "./modules/access"
  }
  assert {
    condition = [for one in jsondecode(aws_iam_role.this["service"].assume_role_policy).Statement : one.Principal] == [
      { AWS = ["arn:aws:iam::000000000000:root"] }, { Service = "glue.amazonaws.com" }
    ]
    error_message = "Others may take the role."
  }
  assert {
    condition     = length(jsondecode(aws_iam_role.this["consumer"].assume_role_policy).Statement) == 1
    error_message = "A service takes a role that is not its."
  }
}

run "only_who_is_named_takes_a_role" {
  command = plan
  module {
    source = "./modules/access"
  }
  variables {
    trusted = { steward = ["arn:aws:iam::000000000000:user/privacy"] }
  }
  assert {
    condition     = jsondecode(aws_iam_role.this["steward"].assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::000000000000:user/privacy"]
    error_message = "Somebody else takes the role."
  }
}

run "the_bucket_denies_others_to_write_and_whoever_speaks_no_tls" {
  command = plan
  module {
    source = "./modules/access"
  }
  assert {
    condition = one([for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : s.Condition.ArnNotEquals["aws:PrincipalArn"] if s.Sid == "OthersDoNotWrite"]) == [
      "arn:aws:iam::000000000000:role/customer-segmentation-prod-service",
      "arn:aws:iam::000000000000:role/customer-segmentation-prod-transfer",
      "arn:aws:iam::000000000000:role/customer-segmentation-prod-ingestion",
    ]
    error_message = "Others write the lake."
  }
  assert {
    condition = one([for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : s.Condition.ArnNotEquals["aws:PrincipalArn"] if s.Sid == "OthersReadNothingPersonal"]) == [
      "arn:aws:iam::000000000000:role/customer-segmentation-prod-service",
      "arn:aws:iam::000000000000:role/customer-segmentation-prod-steward",
      "arn:aws:iam::000000000000:role/customer-segmentation-prod-ingestion",
    ]
    error_message = "A sender of files reads what others sent, or a request that is sent again is not known."
  }
  assert {
    condition     = contains([for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : s.Sid], "NobodyWithoutTLS")
    error_message = "Requests without TLS are answered."
  }
}

run "who_renames_files_reads_them_and_who_only_sends_them_does_not" {
  command = plan
  module {
    source = "./modules/access"
  }
  variables {
    rereaders = ["arn:aws:iam::000000000000:role/customer-segmentation-prod-storage-gateway"]
  }
  assert {
    condition = {
      for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : s.Sid => [
        for role in ["transfer", "storage-gateway"] : contains(s.Condition.ArnNotEquals["aws:PrincipalArn"], "arn:aws:iam::000000000000:role/customer-segmentation-prod-${role}")
      ] if startswith(s.Sid, "Others")
    } == { OthersDoNotDelete = [true, true], OthersDoNotWrite = [true, true], OthersDoNotWriteCounts = [true, true], OthersReadNothingPersonal = [false, true] }
    error_message = "A mounted folder cannot rename its files, or who sends by SFTP may read."
  }
}

run "who_promotes_from_below_is_not_shut_out_and_not_named_before_they_are_there" {
  command = plan
  module {
    source = "./modules/access"
  }
  variables {
    name   = "customer-segmentation-staging"
    rights = "access/staging.json"
    roles  = { ci = "", administrator = "", debugger = "", server = "", steward = "" }
    guests = { service = "prod" }
    bucket = "customer-segmentation-staging-lake-000000000000"
  }
  assert {
    condition     = !anytrue([for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : contains(try(flatten([s.Principal.AWS]), []), "arn:aws:iam::000000000000:role/customer-segmentation-prod-service")])
    error_message = "The policy names a role that may not be there yet, which S3 refuses."
  }
}

run "who_promotes_from_another_account_reads_models_alone_and_need_not_be_there_yet" {
  command = plan
  module {
    source = "./modules/access"
  }
  variables {
    name          = "customer-segmentation-staging"
    other_account = "111111111111"
    rights        = "access/staging.json"
    roles         = { ci = "", administrator = "", debugger = "", server = "", steward = "" }
    guests        = { service = "prod" }
    bucket        = "customer-segmentation-staging-lake-000000000000"
  }
  assert {
    condition = { for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : s.Sid => s.Action if s.Effect == "Allow" && try(contains(s.Principal.AWS, "arn:aws:iam::111111111111:root"), false) && try(s.Condition.ArnEquals["aws:PrincipalArn"], []) == ["arn:aws:iam::111111111111:role/customer-segmentation-prod-service"] } == {
      ListAbroad = ["s3:ListBucket"], DebuggerServiceServerStewardReadAbroad = ["s3:GetObject"]
    }
    error_message = "A promotion from another account is shut out, or may do more than read."
  }
  assert {
    condition     = !anytrue([for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : contains(try(flatten([s.Principal.AWS]), []), "arn:aws:iam::111111111111:role/customer-segmentation-prod-service")])
    error_message = "The policy names a role that may not be there yet, which S3 refuses."
  }
}
