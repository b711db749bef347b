variable "name" {
  description = "What names begin with."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "keep_data" {
  description = "Whether the table refuses to be destroyed."
  type        = bool
}
