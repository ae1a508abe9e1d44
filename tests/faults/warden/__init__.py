"""Wardens in simulated time: the real code, against an API server, a cluster and a cloud that fail as they do."""
