variable "name" {
  description = "What names begin with."
  type        = string
}

variable "guests" {
  description = "ARNs of roles of another account that read what this key encrypts."
  type        = list(string)
  default     = []
}
