"""The embedded cloud, a controller and nodes as real processes in one folder."""
