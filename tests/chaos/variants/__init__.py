"""The harness proves itself: broken builds of the service, each caught by a named check.

A variant is the service with one sentence of its commit protocol changed in memory as the worker
starts (`edits`); production code has no switch for it. `python -m tests.chaos.variants NAME worker`
is a worker of that build, `python -m tests.chaos.variants --all` tries them all and prints which
check caught each.
"""
