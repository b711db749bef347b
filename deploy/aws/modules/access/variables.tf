variable "name" {
  description = "What names begin with."
  type        = string
}

variable "project" {
  description = "What names of every environment begin with."
  type        = string
}

variable "account" {
  description = "The account's number."
  type        = string
}

variable "other_account" {
  description = "The account of the environment whose models this one promotes, and of roles that promote this one's."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
}

variable "rights" {
  description = "The path of access/<environment>.json: statements of the bucket, and by role."
  type        = string
}

variable "roles" {
  description = "The roles of this environment: name and who has it."
  type        = map(string)
}

variable "guests" {
  description = "Roles of other environments that may read layers of this one, with the environment that makes them."
  type        = map(string)
}

variable "services" {
  description = "Services of AWS that take a role, by role."
  type        = map(list(string))
}

variable "trusted" {
  description = "ARNs that take a role, by role; without one, whoever the account itself lets take it."
  type        = map(list(string))
  default     = {}
}

variable "bucket" {
  description = "The lake's bucket, whose policy this is."
  type        = string
}

variable "code_arn" {
  description = "The ARN of the bucket of code and manifests, which every role reads."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts."
  type        = string
}

variable "grants" {
  description = "Statements that roles have besides, by role: asking Athena, reading the catalog."
  type        = any
  default     = {}
}

variable "senders" {
  description = "ARNs of roles that put customers' files into the lake, whose own policies say where."
  type        = list(string)
  default     = []
}

variable "rereaders" {
  description = "Who also reads what they have put: to rename a file is to copy it, and a request that is sent again is known by what it left."
  type        = list(string)
  default     = []
}

variable "deployers" {
  description = "ARNs, patterns allowed, of who applies Terraform."
  type        = list(string)
  default     = []
}

variable "bucket_statements" {
  description = "Statements of the bucket's policy besides, for services that write on their own behalf."
  type        = any
  default     = []
}

variable "tls_only" {
  description = "Whether requests without TLS are denied; an emulator speaks none."
  type        = bool
  default     = true
}
