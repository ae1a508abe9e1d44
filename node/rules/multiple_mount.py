"""Is an ext file system with multiple mount protection in use on another host? Decided without I/O.

A host that has it mounted for writing writes a new number into one block, again and again. A number that stays the same
for long enough is that of a host which has lost it.

Sources: kernel fs/ext4/mmp.c, ext4_multi_mount_protect; tune2fs(8), "mmp_update_interval", "clear_mmp".
"""

from common import errors
from node.codes import Code
from node.records.probes import MultipleMount, Superblock

_CLEAN, _CHECKED = 0xFF4D4D50, 0xE24D4D50  # EXT4_MMP_SEQ_CLEAN, EXT4_MMP_SEQ_FSCK
_LEAST_CHECK_SECONDS = 5  # EXT4_MMP_MIN_CHECK_INTERVAL


def seconds_to_watch(volume_id: str, block: Superblock, found: MultipleMount | None, left: float) -> float:
    """Return for how long the number has to stay the same, seconds; 0: it was unmounted.

    Raises FailedPrecondition if a check of it has begun and not ended, or what ``left`` is of the call is too short.
    """
    if found is None:
        raise errors.FailedPrecondition(
            f"the {block.kind} of volume {volume_id} is protected against multiple mounts, and its block of that is "
            "damaged: which host has it mounted cannot be told",
            remedy="unmount it on every other host; then run tune2fs -f -E clear_mmp on its device by hand",
            error_code=Code.USED_ELSEWHERE,
        )
    if found.sequence == _CLEAN:
        return 0.0
    if found.sequence == _CHECKED:
        raise _refusal(volume_id, block, found, "is being checked (e2fsck), or a check of it was interrupted,")
    check_seconds = max(block.mmp_seconds, found.check_seconds, _LEAST_CHECK_SECONDS)
    seconds = min(2 * check_seconds + 1, check_seconds + 60)
    if seconds > left:
        raise _refusal(volume_id, block, found, f"was not unmounted, as {seconds} s without a write would prove,")
    return float(seconds)


def check_still(volume_id: str, block: Superblock, before: MultipleMount, now: MultipleMount | None) -> None:
    """Raise FailedPrecondition if a host has written meanwhile."""
    if now != before:
        raise _refusal(volume_id, block, now or before, "is in use")


def _refusal(volume_id: str, block: Superblock, found: MultipleMount, what: str) -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        f"the {block.kind} of volume {volume_id} {what} on host {found.host!r}, device {found.device!r} "
        "(multiple mount protection)",
        remedy="unmount it there; if that host is gone, or no e2fsck runs there, run tune2fs -f -E clear_mmp on the "
        "volume's device by hand",
        error_code=Code.USED_ELSEWHERE,
    )
