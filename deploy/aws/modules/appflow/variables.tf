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

variable "bucket" {
  description = "The lake's bucket."
  type        = string
}

variable "landing" {
  description = "The prefix that files arrive below."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "profile" {
  description = "The connection to Salesforce, made once in the console, since a person logs in there."
  type        = string
}

variable "object" {
  description = "The object whose rows are customers."
  type        = string
}

variable "fields" {
  description = "Its fields, as the schema's aliases know them."
  type        = list(string)
}

variable "schedule" {
  description = "When it asks, as AppFlow's rate or cron."
  type        = string
  default     = "rate(1days)"
}
