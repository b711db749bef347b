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
  description = "The key that encrypts answers."
  type        = string
}

variable "results_bucket" {
  description = "The bucket of answers, which ends them by age."
  type        = string
}

variable "database" {
  description = "The catalog's database of gold tables."
  type        = string
}

variable "roles" {
  description = "Who asks: roles of deploy/access/roles.yml."
  type        = list(string)
}

variable "questions" {
  description = "Named queries: name, title, about, sql."
  type        = list(object({ name = string, title = string, about = string, sql = string }))
}

variable "scanned_gb" {
  description = "A query that reads more is ended."
  type        = number
  default     = 100
}

variable "keep_data" {
  description = "Whether a workgroup with saved queries refuses to be destroyed."
  type        = bool
}
