"""Where a partition's committed rows lie on this machine: RocksDB, or memory."""
