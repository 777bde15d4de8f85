"""What all tests may use."""

pytest_plugins = ["tests.support.kafka"]
