"""The programs that streamjoin is measured against, each run as a process of its own."""
