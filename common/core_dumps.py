"""Keep what is in memory out of core dumps: tokens and passphrases are there, also after they were used.

Sources: core(5), prctl(2) PR_SET_DUMPABLE: it also keeps processes of the same user from reading this one's memory.
"""

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def forbid() -> None:
    """Let nothing dump this process; the programs that it starts have no core dumps either."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
