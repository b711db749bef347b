"""Messages of Kafka: clients, what a value says, and where those go that say nothing."""
