"""SageMaker's contract with a container: what it starts, and the folders it lays out."""
