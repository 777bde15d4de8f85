"""The check of an installation: settings, broker, topics, rights, clock."""
