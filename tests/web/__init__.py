"""The HTTP interface: its parts by themselves, and real workers on a real Kafka."""
