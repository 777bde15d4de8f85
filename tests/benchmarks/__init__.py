"""Tests of the benchmark: its data and its measuring, not its figures."""
