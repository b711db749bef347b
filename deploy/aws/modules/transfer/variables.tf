variable "name" {
  description = "What names begin with."
  type        = string
}

variable "account" {
  description = "The account's number."
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

variable "users" {
  description = "Public keys of SSH by the name of who sends."
  type        = map(list(string))
}

variable "log_days" {
  description = "How long it is kept who sent what."
  type        = number
}
