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

variable "zips" {
  description = "Paths of the functions' zips, as make lambda writes them: scoring and landing."
  type        = object({ scoring = string, landing = string })
}

variable "runtime" {
  description = "Lambda's runtime, for which the zip of scoring was made."
  type        = string
}

variable "sizes" {
  description = "Memory, seconds and concurrency of scoring."
  type        = object({ memory_mb = number, timeout_seconds = number, concurrency = number })
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}

variable "reader_arn" {
  description = "The role of roles.yml that reads the environment, which scoring has."
  type        = string
}

variable "reader_name" {
  description = "Its name, to attach what else scoring needs."
  type        = string
}

variable "models" {
  description = "The environment's folder of models: s3://bucket/models."
  type        = string
}

variable "results_bucket" {
  description = "Where answers to messages go, below scored/."
  type        = string
}

variable "bucket" {
  description = "The lake's bucket."
  type        = string
}

variable "landing" {
  description = "The prefix where customers' files arrive."
  type        = string
}

variable "state_machine_arn" {
  description = "What a file that lands starts."
  type        = string
}

variable "slow_seconds" {
  description = "From where on an answer is slow, as deploy/objectives.yml promises."
  type        = number
}
