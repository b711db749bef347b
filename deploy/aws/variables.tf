variable "environment" {
  description = "One of the environments of deploy/deployment.yml: dev, staging or prod."
  type        = string
  validation {
    condition     = contains(keys(jsondecode(file("${path.module}/project.json")).environments), var.environment)
    error_message = "Name an environment of deploy/deployment.yml: dev, staging or prod."
  }
}

variable "region" {
  description = "Where everything of this environment is."
  type        = string
}

variable "account" {
  description = "The account that is meant, so that no other is changed by mistake; null takes the one of the credentials."
  type        = string
  default     = null
}

variable "switches" {
  description = "Parts by name, on or off, where that differs from deploy/deployment.yml's `standing`; parts that are not named there are on."
  type        = map(bool)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.switches) : contains(local.parts, name)])
    error_message = "A switch is one of the parts that main.tf names."
  }
  validation {
    condition     = !lookup(var.switches, "storage_gateway", false) || nonsensitive(var.gateway != null)
    error_message = "The part storage_gateway needs the variable `gateway`: deploy/aws/example.tfvars."
  }
  validation {
    condition     = !lookup(var.switches, "sagemaker", false) || var.images.serving != null
    error_message = "The part sagemaker needs the variable `images` with `serving`: docs/deploy_aws.md, SageMaker."
  }
  validation {
    condition     = !lookup(var.switches, "appflow", false) || var.crm != null
    error_message = "The part appflow needs the variable `crm`: deploy/aws/example.tfvars."
  }
}

variable "trusted" {
  description = "Who takes each role by sts:AssumeRole: ARNs of people's and CI's own principals, by role of deploy/access/roles.yml."
  type        = map(list(string))
  default     = {}
}

variable "deployers" {
  description = "ARNs, patterns allowed, of who applies this and must stay able to empty the bucket; the bucket's policy denies others."
  type        = list(string)
  default     = []
}

variable "keep_data" {
  description = "Whether buckets and tables with content refuse to be destroyed."
  type        = bool
  default     = true
}

variable "emulated" {
  description = "Whether AWS_ENDPOINT_URL names an emulator on this machine."
  type        = bool
  default     = false
}

variable "other_account" {
  description = "The account of prod, said to staging, and of staging, said to prod; null where they share one."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets for what needs a network; null takes the default ones."
  type        = list(string)
  default     = null
}

variable "security_group_ids" {
  description = "Security groups for the same; null takes the default one."
  type        = list(string)
  default     = null
}

variable "senders" {
  description = "Part transfer: public keys of SSH by the name of who sends customers' files by SFTP."
  type        = map(list(string))
  default     = {}
}

variable "gateway" {
  description = "Part storage_gateway: the key with which your gateway joins, its disk, and the networks that may mount the folder."
  type        = object({ activation_key = string, cache_disk = string, clients = list(string) })
  sensitive   = true
  default     = null
}

variable "crm" {
  description = "Part appflow: the connection to Salesforce, the object whose rows are customers, its fields, and when."
  type = object({
    profile  = string
    object   = string
    fields   = list(string)
    schedule = optional(string, "rate(1days)")
  })
  default = null
}

variable "package" {
  description = "The folder that make package wrote: wheel, configuration and environments of jobs; null uploads nothing."
  type        = string
  default     = null
}
