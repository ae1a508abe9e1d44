"""With which arguments cryptsetup is run, and what its exit status means. A passphrase is never among them.

Locks are off: the lock on the device, which each program inherits, does that, and a container has no /run to write to.

Source: cryptsetup(8) and the page of each action.
"""

from common import errors
from common.encryption import Encryption
from node.codes import Code
from node.formats import exit_status

FULL = "key slots full"  # as luksAddKey says it, with the status of any other error

NO_KEY = "No key available with this passphrase"  # WRONG_KEY alone may be a write that is not permitted

WRONG_KEY, NO_MEMORY, NO_DEVICE, BUSY = 2, 3, 4, 5

_PROGRAM = ("cryptsetup", "--batch-mode", "--disable-locks")
_TYPE = ("--type", "luks2")
_KEY = ("--disable-external-tokens", "--key-file", "-")


def make(wanted: Encryption, label: str, subsystem: str, device: str) -> tuple[str, ...]:
    """Return the program that writes a header with one key slot."""
    return (
        *_PROGRAM,
        "luksFormat",
        *_TYPE,
        *("--cipher", wanted.cipher),
        *("--key-size", str(wanted.key_bits)),
        *("--sector-size", str(wanted.sector_bytes)),
        *_derivation(wanted),
        *("--label", label),
        *("--subsystem", subsystem),
        *("--key-file", "-"),
        device,
    )


def test(device: str) -> tuple[str, ...]:
    """Return the program that tells whether a passphrase opens the device."""
    return (*_PROGRAM, "open", "--test-passphrase", *_TYPE, *_KEY, device)


def open_(device: str, name: str, *, discards: bool, read_only: bool) -> tuple[str, ...]:
    """Return the program that opens the device as mapper ``name``."""
    chosen = (*(("--allow-discards",) if discards else ()), *(("--readonly",) if read_only else ()))
    return (*_PROGRAM, "open", *chosen, *_TYPE, *_KEY, device, name)


def add_key(wanted: Encryption, device: str, new_key: str) -> tuple[str, ...]:
    """Return the program that adds the passphrase in the file ``new_key``, given another one that opens the device."""
    return (*_PROGRAM, "luksAddKey", *_TYPE, *_derivation(wanted), *_KEY, device, new_key)


def remove_key(device: str) -> tuple[str, ...]:
    """Return the program that removes the passphrase that it is given."""
    return (*_PROGRAM, "luksRemoveKey", *_TYPE, "--key-file", "-", device)


def name(label: str, subsystem: str, device: str) -> tuple[str, ...]:
    """Return the program that writes into the header whose it is and how far it has come, both at once."""
    return (*_PROGRAM, "config", "--label", label, "--subsystem", subsystem, device)


def resize(mapper: str) -> tuple[str, ...]:
    """Return the program that makes an open mapper as large as its disk."""
    return (*_PROGRAM, "resize", *_KEY, mapper)


def close(mapper: str) -> tuple[str, ...]:
    """Return the program that closes a mapper."""
    return (*_PROGRAM, "close", mapper)


def remove(mapper: str) -> tuple[str, ...]:
    """Return the program that removes a mapper that has no table: its cryptsetup was killed half-way."""
    return ("dmsetup", "remove", mapper)


def wrong_key(volume_id: str) -> errors.FailedPrecondition:
    """Return the error of a passphrase that is not the volume's."""
    return errors.FailedPrecondition(
        f"the passphrase does not open volume {volume_id}",
        remedy="put the right one into the Secret; while it is being replaced, the one before as "
        "encryption-passphrase-old",
        reason="PassphraseRefused",
        error_code=Code.WRONG_PASSPHRASE,
    )


def is_wrong_key(status: int, said: str) -> bool:
    """Tell whether cryptsetup has tried the passphrase, and it opens nothing."""
    return status == WRONG_KEY and NO_KEY in said


def failure(volume_id: str, argv: tuple[str, ...], status: int, said: str) -> errors.DriverError:
    """Return the error of a program that ended with another status than 0."""
    action = next(word for word in argv[1:] if not word.startswith("-"))
    what = f"{action} of volume {volume_id} failed: {exit_status.words(argv[0], status, said)}"
    if is_wrong_key(status, said):
        return wrong_key(volume_id)
    if FULL in said:
        return errors.FailedPrecondition(
            what,
            remedy="find a key slot that no passphrase of yours opens (cryptsetup luksDump), remove it (luksKillSlot)",
            error_code=Code.KEY_SLOTS_FULL,
        )
    if status == NO_MEMORY:
        return errors.Unavailable(
            what, remedy="raise the memory limit of the driver's container", error_code=Code.CRYPTSETUP_FAILED
        )
    if status == BUSY:
        return errors.Unavailable(
            what,
            remedy="something still uses the mapper; the next attempt looks again",
            error_code=Code.CRYPTSETUP_FAILED,
        )
    return errors.OutcomeUnknown(
        what,
        remedy="look into the kernel log: dm-crypt or the cipher may be missing, or the disk refuses to be written",
        error_code=Code.CRYPTSETUP_FAILED,
    )


def _derivation(wanted: Encryption) -> tuple[str, ...]:
    memory = ("--pbkdf-memory", str(wanted.memory_kib)) if wanted.memory_kib else ()
    return ("--pbkdf", wanted.pbkdf, *memory, "--pbkdf-force-iterations", str(wanted.iterations))
