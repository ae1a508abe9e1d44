"""The driver on a real cluster: kind, the real sidecars, the embedded cloud on the host."""
