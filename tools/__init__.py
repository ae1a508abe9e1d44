"""What ``make`` calls: the environment, the lock files, generated files, the runs of the test tiers."""
