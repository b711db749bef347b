# What a person may say of an environment, beside its name and region; copy it out of the checkout
# and give it to make aws-apply as VARS. Everything else is in deploy/deployment.yml.

# The account that is meant: a plan for another one ends before it begins.
# account = "..."

# Who takes each role of deploy/access/roles.yml; without a line, whoever the account lets take it.
# trusted = {
#   ci       = ["arn:aws:iam::<account>:role/github-actions"]
#   consumer = ["arn:aws:iam::<account>:role/analysts"]
# }
# Who may empty the lake's bucket when the environment is destroyed.
# deployers = ["arn:aws:iam::<account>:role/terraform"]

# Where the environment below or above is in another account.
# other_account = "..."

# Parts that are other than declared.
switches = {
  redshift = false
}

# Part transfer: who sends files by SFTP, with their public keys.
# senders = { shop = ["ssh-ed25519 ..."] }

# What jobs are told besides: docs/environments.md, Settings.
# settings = { SEGMENTATION_SCHEMA = "wholesale" }

# Who issues tokens to callers of the API; without it they sign with IAM.
# jwt = { issuer = "https://...", audience = ["segmentation"] }

# The server that takes events and records: the listener of its internal load balancer.
# server = { listener_arn = "...", host = "segmentation.example.com", subnet_ids = ["..."], security_group_ids = ["..."] }

# Part sagemaker, and training there: images of deploy/docker in a registry of yours.
# images = { serving = "...", training = "..." }

# Part storage_gateway: the gateway in your house.
# gateway = { activation_key = "...", cache_disk = "...", clients = ["10.0.0.0/24"] }

# Part appflow: customers from Salesforce, by a connection made once in the console.
# crm = { profile = "sales", object = "Contact", fields = ["Id", "Birthdate"] }

# Who is told of failed runs, refused promotions and alarms.
subscribers = []
