variable "name" {
  description = "What names begin with."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "reader_role_arn" {
  description = "The role by which Redshift reads the catalog and the lake: who reads what is not personal."
  type        = string
}

variable "base_rpu" {
  description = "Its least capacity, in Redshift processing units."
  type        = number
}

variable "rpu_hours_a_month" {
  description = "What may be used in a month; then queries are refused."
  type        = number
}

variable "subnet_ids" {
  description = "Private subnets, three zones; null takes the default ones."
  type        = list(string)
  default     = null
}

variable "security_group_ids" {
  description = "Who reaches it; null takes the default one."
  type        = list(string)
  default     = null
}
