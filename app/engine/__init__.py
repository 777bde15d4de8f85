"""The engine: batches in, one Kafka transaction out, on Faust's app and assignor."""
