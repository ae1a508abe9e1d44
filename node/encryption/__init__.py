"""Volumes that are encrypted on the node."""
