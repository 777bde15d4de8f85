"""Tests of the live views."""
