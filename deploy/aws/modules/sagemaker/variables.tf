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
  description = "The key that encrypts."
  type        = string
}

variable "server_arn" {
  description = "The role of roles.yml that reads the environment and writes what it counts, which the server has."
  type        = string
}

variable "server_name" {
  description = "Its name, to attach what else a server in SageMaker needs."
  type        = string
}

variable "image" {
  description = "The image of deploy/docker, target sagemaker, in a registry of your own: account.dkr.ecr.region.amazonaws.com/name:tag."
  type        = string
}

variable "models" {
  description = "The environment's folder of models: s3://bucket/models."
  type        = string
}

variable "monitoring" {
  description = "Where the server keeps its counts by hour: s3://bucket/monitoring."
  type        = string
}

variable "sizes" {
  description = "The machine, how many at least and at most, and the requests a minute of each."
  type        = object({ instance = string, least = number, most = number, requests_per_instance = number })
}

variable "features" {
  description = "The columns of gold_feature_table: name and type."
  type        = list(object({ name = string, type = string }))
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}
