variable "name" {
  description = "What names begin with."
  type        = string
}

variable "account" {
  description = "The account's number, which makes names of buckets unique in the world."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "is_delta" {
  description = "Whether tables are Delta, which keeps versions of its own, and whose live files may be of any age."
  type        = bool
}

variable "retention" {
  description = "Days by layer, and of `noncurrent` versions and `logs`."
  type        = map(number)
}

variable "keep_data" {
  description = "Whether buckets with content refuse to be destroyed."
  type        = bool
}

variable "tls_only" {
  description = "Whether requests without TLS are denied; an emulator speaks none."
  type        = bool
  default     = true
}

variable "package" {
  description = "The folder that make package wrote; null uploads nothing."
  type        = string
  default     = null
}

variable "release" {
  description = "The folder below artifacts/ that it is uploaded to."
  type        = string
  default     = "current"
}
