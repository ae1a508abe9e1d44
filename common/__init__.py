"""What the controller and the node share: serving calls, errors, locks, logs, metrics."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("aiocsi")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0+source"
