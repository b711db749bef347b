variable "name" {
  description = "What names begin with, and the state machine's own name."
  type        = string
}

variable "environment" {
  description = "The environment, whose definition lies beside this file: make deploy writes it."
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

variable "state_machine_arn" {
  description = "The state machine's own ARN, by its name."
  type        = string
}

variable "spark" {
  description = "How EMR Serverless runs a job; null where a function does, as in an emulator."
  type = object({
    application_id  = string
    application_arn = string
    job_role_arn    = string
    entry_point     = string
    conf_source     = string
    parameters      = string
    log_group       = string
  })
}

variable "job_function" {
  description = "The function that runs a job in EMR's place; null where EMR does."
  type        = string
  default     = null
}

variable "settings" {
  description = "Variables of the environment of jobs, such as SEGMENTATION_TABLES."
  type        = map(string)
}

variable "training" {
  description = "SageMaker's training image, its role and machine; null: executions cannot ask for it."
  type        = object({ image = string, role_arn = string, role_name = string, instance = string })
  default     = null
}

variable "bucket" {
  description = "The lake's bucket, where small files of jobs are, below reporting/."
  type        = string
}

variable "results_bucket" {
  description = "Where jobs say how they ended, below outcomes/."
  type        = string
}

variable "scoring_function" {
  description = "The name of the function that is made cold after a promotion."
  type        = string
}

variable "log_days" {
  description = "How long the machine's log is kept."
  type        = number
}

variable "subscribers" {
  description = "Addresses that are told of failures, refusals and alarms."
  type        = list(string)
  default     = []
}
