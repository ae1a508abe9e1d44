"""Simulated hosts: disks, mounts and programs in memory, under the real code of the node."""
