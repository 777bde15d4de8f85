"""From a fetch response's bytes to records, in bounded memory whatever the bytes hold."""
