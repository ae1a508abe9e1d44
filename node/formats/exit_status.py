"""What the end of a program means. Only a verdict says something of the disk or the request, and may be final.

A program that a signal has ended has judged nothing: the kernel kills for lack of memory, a node that is drained kills,
too. Nor has one that could not do its work: it had no memory, the disk was busy, a read failed. What is not known to be
a verdict is none.

Sources: e2fsck(8), mount(8), umount(8), blkid(8), wipefs(8), mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8), resize2fs(8),
xfs_growfs(8), btrfs(8), dmsetup(8), the sections "EXIT STATUS" and "EXIT CODE"; signal(7). ``cryptsetup_argv`` reads
cryptsetup's.
"""

import signal
from enum import Enum

from common import errors
from node.codes import Code


class ExitMeaning(Enum):
    """What a program has said by its end."""

    DONE = "it did its work"
    VERDICT = "what it was asked is not possible, and will not be"
    NOT_JUDGED = "it could not do its work, this time"


E2FSCK_FIXED, E2FSCK_REBOOT, E2FSCK_UNFIXED, E2FSCK_OPERATIONAL = 1, 2, 4, 8
BLKID_FOUND, BLKID_NOTHING, BLKID_AMBIVALENT = 0, 2, 8
MOUNT_FAILED = 32

_DONE = {
    "blkid": frozenset({BLKID_FOUND, BLKID_NOTHING, BLKID_AMBIVALENT}),  # 4: usage, or another error
    "e2fsck": frozenset({0, E2FSCK_FIXED, E2FSCK_REBOOT, E2FSCK_FIXED | E2FSCK_REBOOT}),
}
_OF_CONTENT = (  # how mount(8) words the errors of mount(2) that a second attempt does not change
    "wrong fs type, bad option, bad superblock",  # EINVAL
    "unknown filesystem type",  # ENODEV
    "Structure needs cleaning",  # EUCLEAN
    "Bad message",  # EBADMSG
    "Wrong medium type",  # EMEDIUMTYPE
)
_PASSING = ("Cannot allocate memory", "Memory allocation failed", "Input/output error")  # say nothing of what was asked
SAID_CHARACTERS = 400  # of a program's words in a message, which an event of Kubernetes has to hold
_UNKNOWN_TO_E2FSCK = ("unsupported", "Get a newer version", "revision too high", "too new")


def read(program: str, status: int, said: str) -> ExitMeaning:
    """Return what it means that ``program`` ended with ``status``, having printed ``said``."""
    if status in _DONE.get(program, frozenset({0})):
        return ExitMeaning.DONE
    if program == "e2fsck" and status & ~0x7 == 0:  # beyond: it could not judge, was used wrongly, or was cancelled
        return ExitMeaning.NOT_JUDGED if may_pass(said) else ExitMeaning.VERDICT  # -p leaves a read error to a person
    if program == "mount" and status == MOUNT_FAILED and any(words in said for words in _OF_CONTENT):
        return ExitMeaning.VERDICT
    return ExitMeaning.NOT_JUDGED


def may_pass(said: str) -> bool:
    """Tell whether a program that ends with one status for everything has met what may be over at the next attempt."""
    return any(words in said for words in _PASSING)


def words(program: str, status: int, said: str) -> str:
    """Return how a program ended, and what it said, as every message has it."""
    shown = said.strip()[:SAID_CHARACTERS].strip()
    return f"{program} ended with {status}" + (f": {shown}" if shown else " and said nothing")


def is_unknown_to_e2fsck(status: int, said: str) -> bool:
    """Tell whether e2fsck has not checked a file system because it is newer than itself."""
    operational = status & ~(0x7 | E2FSCK_OPERATIONAL) == 0 and bool(status & E2FSCK_OPERATIONAL)
    return operational and any(words in said for words in _UNKNOWN_TO_E2FSCK)


def killed(program: str, number: int) -> errors.OutcomeUnknown:
    """Return the error of a program that a signal has ended, which no one here has sent."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    for_memory = ", perhaps for lack of memory" if number == signal.SIGKILL else ""
    return errors.OutcomeUnknown(
        f"{program} was killed ({name}){for_memory}, and has judged nothing",
        remedy="look for 'out of memory' in the kernel log (dmesg); if it is there, raise the memory limit of the "
        "driver's container (node.resources.limits.memory of the chart)",
        error_code=Code.PROGRAM_KILLED,
    )
