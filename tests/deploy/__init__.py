"""What operators are given: alert rules, dashboard, manifest."""
