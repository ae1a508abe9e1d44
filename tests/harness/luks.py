"""Ask the real cryptsetup about a header; it needs neither a device nor device-mapper."""

from pathlib import Path

from tests.harness.tools import ToolFailed, run

NO_KEY = "No key available"


def opens(header: Path, passphrase: bytes) -> bool:
    """Tell whether a passphrase opens a header. Raises ToolFailed if there is none."""
    program = ("cryptsetup", "--batch-mode", "--disable-locks", "open", "--test-passphrase", "--key-file", "-")
    try:
        run(*program, str(header), stdin=passphrase)
    except ToolFailed as error:
        if NO_KEY in str(error):
            return False
        raise
    return True
