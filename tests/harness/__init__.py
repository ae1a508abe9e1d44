"""The services as real processes in one temporary folder, for integration tests and for ``make run``."""
