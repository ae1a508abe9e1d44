"""Makes and removes the cluster of the end-to-end tests: ``python -m tests.e2e.cluster up|down``."""
