"""A stock Faust `exactly_once` app under the oracle: what the harness must be able to catch."""
