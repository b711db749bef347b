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

variable "timezone" {
  description = "Of the gateway's updates, such as GMT+1:00."
  type        = string
  default     = "GMT"
}

variable "activation_key" {
  description = "What the gateway in your own house says when it is asked to join; valid for half an hour."
  type        = string
  sensitive   = true
}

variable "cache_disk" {
  description = "The id of the gateway's disk that files wait on."
  type        = string
}

variable "clients" {
  description = "Networks that may mount the folder, such as 10.0.0.0/24."
  type        = list(string)
}
