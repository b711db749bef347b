output "bucket" {
  description = "The lake's bucket."
  value       = aws_s3_bucket.this["lake"].bucket
}

output "arn" {
  description = "Its ARN."
  value       = aws_s3_bucket.this["lake"].arn
}

output "buckets" {
  description = "Every bucket's name: lake, code, results, logs."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.bucket }
}
