"""What the controller and the node share: serving calls, errors, locks, logs, metrics."""

__version__ = "0.1.0"
