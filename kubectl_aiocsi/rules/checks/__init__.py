"""The checks of ``doctor``: each has a stable id, what it is about, and what it needs to be read."""
