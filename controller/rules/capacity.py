"""How large a volume shall be, and whether one that exists is as asked.

Source: CSI 1.13 "CapacityRange".
"""

from common import errors, sizes
from controller.cloud.records import Volume
from controller.cloud.traits import Sizes
from controller.codes import Code
from controller.records import Size


def check(size: Size) -> Size:
    """Return ``size`` if it makes sense. Raises InvalidArgument."""
    if size.required < 0 or size.limit < 0:
        raise errors.InvalidArgument(f"a size is negative: required {size.required}, limit {size.limit} bytes")
    if size.limit and size.limit < size.required:
        raise errors.InvalidArgument(f"the limit of {size.limit} bytes is below the required {size.required} bytes")
    return size


def choose_gib(size: Size, offered: Sizes, smallest_bytes: int = 0) -> int:
    """Return the size to make, GiB; at least ``smallest_bytes``, the size of the source. Raises OutOfRange."""
    default = sizes.to_bytes(offered.default)
    wanted = max(size.required or smallest_bytes or min(default, size.limit or default), smallest_bytes)
    gib = max(offered.smallest, sizes.round_up_gib(wanted))
    if not size.required and size.limit and not smallest_bytes:
        gib = max(offered.smallest, min(gib, sizes.round_down_gib(size.limit)))
    if gib > offered.largest:
        raise errors.OutOfRange(
            f"{wanted} bytes are asked for; a volume holds at most {offered.largest} GiB", error_code=Code.SIZE
        )
    if size.limit and sizes.to_bytes(gib) > size.limit:
        raise errors.OutOfRange(
            f"the smallest possible volume has {gib} GiB, more than the limit of {size.limit} bytes",
            remedy="raise the limit of the claim: sizes are whole GiB, and a copy is at least as large as its source",
            error_code=Code.SIZE,
        )
    return gib


def grown_gib(volume: Volume, size: Size, offered: Sizes) -> int:
    """Return the size that the volume grows to, GiB; it never shrinks. Raises OutOfRange."""
    gib = choose_gib(Size(max(size.required, volume.size_bytes)), offered)
    grown = max(volume.size_bytes, sizes.to_bytes(gib))
    if size.limit and grown > size.limit:
        raise errors.OutOfRange(
            f"volume {volume.id} would have {grown} bytes, more than the limit of {size.limit}", error_code=Code.SIZE
        )
    return gib


def fits(size: Size, size_bytes: int) -> bool:
    """Say whether a volume of ``size_bytes`` is what was asked for."""
    return size.required <= size_bytes and (not size.limit or size_bytes <= size.limit)
