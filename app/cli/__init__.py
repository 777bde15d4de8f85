"""The command line: one file per command group, wired together in `main`."""
