output "workgroup" {
  description = "The workgroup's name, for the query editor and redshift-data."
  value       = aws_redshiftserverless_workgroup.this.workgroup_name
}
