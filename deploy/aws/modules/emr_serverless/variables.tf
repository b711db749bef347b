variable "name" {
  description = "What names begin with."
  type        = string
}

variable "account" {
  description = "The account's number."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "runner_name" {
  description = "The role of roles.yml that runs the environment, to attach what jobs need besides the lake."
  type        = string
}

variable "results_bucket" {
  description = "Where jobs say how they ended, below outcomes/."
  type        = string
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}

variable "release" {
  description = "EMR's release: it has Spark 4, which the project needs."
  type        = string
  default     = "emr-spark-8.0.0"
}

variable "sizes" {
  description = "Cores and gigabytes of the driver and of executors, and how many of these."
  type = object({
    driver_cores   = number
    driver_gb      = number
    executor_cores = number
    executor_gb    = number
    max_executors  = number
  })
}

variable "subnet_ids" {
  description = "Private subnets of jobs; null: EMR's own network, which reaches S3."
  type        = list(string)
  default     = null
}

variable "security_group_ids" {
  description = "Security groups of jobs in these subnets."
  type        = list(string)
  default     = null
}
