variable "name" {
  description = "What names begin with."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "log_days" {
  description = "How long access logs are kept."
  type        = number
}

variable "scoring" {
  description = "The function that answers predictions: name and ARN for invocation."
  type        = object({ name = string, invoke_arn = string })
}

variable "ingestion" {
  description = "The function that takes events and records: the same."
  type        = object({ name = string, invoke_arn = string })
}

variable "jwt" {
  description = "Who issues tokens to callers, for whom, and the scopes that predictions and ingestion ask for; null: callers sign with IAM."
  type = object({
    issuer   = string
    audience = list(string)
    predict  = optional(list(string), ["segmentation/predict"])
    ingest   = optional(list(string), ["segmentation/ingest"])
  })
  default = null
}

variable "requests_per_second" {
  description = "What all callers together may ask."
  type        = number
  default     = 100
}
