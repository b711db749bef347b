mock_provider "aws" {}

variables {
  name = "customer-segmentation-prod"
}

run "the_key_turns_every_year_and_cannot_vanish_at_once" {
  command = plan
  module {
    source = "./modules/keys"
  }
  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key is not rotated, or is deleted too soon."
  }
}

run "another_account_reads_what_it_promotes" {
  command = plan
  module {
    source = "./modules/keys"
  }
  variables {
    guests = ["arn:aws:iam::111111111111:role/customer-segmentation-prod-service"]
  }
  assert {
    condition = jsonencode([for one in jsondecode(aws_kms_key.this.policy).Statement : [one.Principal.AWS, one.Action, one.Condition.ArnEquals["aws:PrincipalArn"]] if one.Sid == "Guests"]) == jsonencode([
      [["arn:aws:iam::111111111111:root"], ["kms:Decrypt", "kms:DescribeKey"], var.guests]
    ])
    error_message = "A promotion from another account could not read the models, or others could."
  }
}
