"""What can be seen of a running worker: metrics and Faust's sensors."""
