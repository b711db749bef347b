variable "release" {
  description = "The folder below artifacts/ of the code bucket that make package's files were put into: deploy/aws/README.md."
  type        = string
  default     = "current"
}

variable "zips" {
  description = "Paths of the functions' zips, as make lambda writes them."
  type        = object({ scoring = string, landing = string })
  default     = { scoring = "scoring.zip", landing = "landing.zip" }
}

variable "runtime" {
  description = "Lambda's runtime, for which the zip of scoring was made."
  type        = string
  default     = "python3.13"
}

variable "images" {
  description = "Images of deploy/docker in a registry of your own: what SageMaker serves with, and what it trains with."
  type        = object({ serving = optional(string), training = optional(string) })
  default     = {}
}

variable "jwt" {
  description = "Who issues tokens to callers of the API, for whom, and the scopes it asks for; null: callers sign with IAM."
  type = object({
    issuer   = string
    audience = list(string)
    predict  = optional(list(string), ["segmentation/predict"])
    ingest   = optional(list(string), ["segmentation/ingest"])
  })
  default = null
}

variable "subscribers" {
  description = "Addresses that are told of failed runs, refused promotions and alarms."
  type        = list(string)
  default     = []
}

variable "settings" {
  description = "Settings of docs/environments.md that jobs have besides: SEGMENTATION_SCHEMA, SEGMENTATION_FEATURE_STORE, SEGMENTATION_MLFLOW and others."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name, value in var.settings : startswith(name, "SEGMENTATION_") && can(regex("^\\S+$", value))])
    error_message = "A setting of jobs begins with SEGMENTATION_, and its value has no space."
  }
}

variable "job_function" {
  description = "The name of a function that runs jobs in EMR's place, as tools/aws has in an emulator; null: EMR Serverless runs them."
  type        = string
  default     = null
}
