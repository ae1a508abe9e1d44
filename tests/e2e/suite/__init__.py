"""Upstream's storage suite (k8s.io/kubernetes, test/e2e/storage/external) against the driver."""
