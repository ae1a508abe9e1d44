"""The page at ``/``: what the cloud has and does, live, for people."""
