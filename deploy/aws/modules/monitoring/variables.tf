variable "name" {
  description = "What names begin with, and the namespace of metrics of its own."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
}

variable "alarms" {
  description = "The alarms of deploy/deployment.yml: bound, minutes and words by name."
  type        = map(object({ above = number, minutes = number, about = string, runbook = string }))
}

variable "objectives" {
  description = "What deploy/objectives.yml promises of the API: budgets by the line of the runbook, each with its windows in minutes, long and short."
  type = object({
    least_requests = number
    budgets = map(object({
      about   = string
      runbook = string
      windows = list(object({ severity = string, minutes = list(number), above = number }))
    }))
  })
}

variable "topic_arn" {
  description = "Who is told."
  type        = string
}

variable "state_machine_arn" {
  description = "What runs the environment."
  type        = string
}

variable "watches" {
  description = "What there is to watch: jobs that log, the API, the queue of messages."
  type        = object({ jobs = bool, api = bool, messages = bool })
}

variable "job_logs" {
  description = "The log group of jobs, which say there how they ended; null where there is none."
  type        = string
}

variable "api_id" {
  description = "The API that is watched; null where there is none."
  type        = string
}

variable "scoring_function" {
  description = "The function that scores, for the dashboard."
  type        = string
}

variable "dead_queue" {
  description = "The queue of messages that could not be answered; null where there is none."
  type        = string
}
