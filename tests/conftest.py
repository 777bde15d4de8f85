"""What all tests may use."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.kafka"]

# No test depends on how fast the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
