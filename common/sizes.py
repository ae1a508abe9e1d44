"""Sizes: the cloud counts whole GiB, CSI counts bytes."""

GIB = 1 << 30


def round_up_gib(size_bytes: int) -> int:
    """Return the smallest number of whole GiB that holds ``size_bytes`` bytes."""
    return -(-size_bytes // GIB)


def round_down_gib(size_bytes: int) -> int:
    """Return the largest number of whole GiB within ``size_bytes`` bytes."""
    return size_bytes // GIB


def to_bytes(size_gib: int) -> int:
    """Return ``size_gib`` GiB in bytes."""
    return size_gib * GIB
