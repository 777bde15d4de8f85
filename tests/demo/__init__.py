"""Tests of `streamjoin demo`."""
