"""Topic identities, and `streamjoin groups`."""
