"""The service on other releases of Kafka than the embedded one: `make compat`."""
