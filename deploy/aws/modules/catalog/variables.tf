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

variable "bucket" {
  description = "The lake's bucket."
  type        = string
}

variable "code_bucket" {
  description = "The bucket of code and manifests."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts logs and bookmarks of crawler and job."
  type        = string
}

variable "is_delta" {
  description = "Whether tables are Delta; else Parquet."
  type        = bool
}

variable "tables" {
  description = "The gold tables by name: comment, columns (name, type of Hive, comment)."
  type = map(object({
    comment = string
    columns = list(object({ name = string, glue = string, comment = string }))
  }))
}

variable "places" {
  description = "Where each table lies below the bucket, those of silver and bronze too: a file, or a folder with a slash behind."
  type        = map(string)
}

variable "crawler_role_arn" {
  description = "The role of the crawler and the job: who reads every layer of the environment."
  type        = string
}

variable "crawl" {
  description = "When the crawler looks, as Glue's cron; null leaves it to a person."
  type        = string
  default     = null
}

variable "job" {
  description = "The Glue job: script and archive as keys of the code bucket, arguments, workers; null for none."
  type = object({
    script    = string
    arguments = map(string)
    workers   = number
    minutes   = number
  })
  default = null
}

variable "crawler_role_name" {
  description = "The name of the same role, which gets the rights that crawler and job need besides."
  type        = string
}
