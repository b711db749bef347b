"""The functions of AWS Lambda: one that scores, and one that starts a run for a landed file."""
