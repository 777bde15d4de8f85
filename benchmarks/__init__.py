"""`make bench`: streamjoin, stock Faust and a hand-written loop on the same data and broker."""
