"""What travels: topics, events, results, dead letters, and their codec."""
