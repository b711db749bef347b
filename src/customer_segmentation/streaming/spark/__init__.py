"""The large runner: Spark Structured Streaming from Kafka to Delta."""
