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

variable "zip" {
  description = "The path of the zip that scoring has too, as make lambda writes it."
  type        = string
}

variable "runtime" {
  description = "Lambda's runtime, for which the zip was made."
  type        = string
}

variable "sizes" {
  description = "Memory, seconds and concurrency: those of scoring."
  type        = object({ memory_mb = number, timeout_seconds = number, concurrency = number })
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}

variable "bucket" {
  description = "The lake's bucket."
  type        = string
}

variable "posted" {
  description = "The folders of the lake where events, records and outcomes land."
  type        = object({ events = string, records = string, outcomes = string })
}

variable "customer_keys" {
  description = "The names under which an object may have the customer's key."
  type        = list(string)
}

variable "slow_seconds" {
  description = "From where on an answer is slow, as deploy/objectives.yml promises."
  type        = number
}
