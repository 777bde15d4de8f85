"""What can be seen of a worker: progress, metrics, the files made for those who watch it."""
