"""A cloud on one machine: the block-storage part of the DigitalOcean API, on sparse files and loop devices."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("aiocsi")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0+source"
