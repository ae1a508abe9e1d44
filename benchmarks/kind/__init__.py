"""From a claim to a running pod on a kind cluster, with the real sidecars, split by phase."""
