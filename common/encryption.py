"""StorageClass parameters on encryption: the controller refuses a wrong class before a volume is made, the node again.

Sources: cryptsetup-luksFormat(8), LUKS2 On-Disk Format 1.1.1 (sector sizes); RFC 9106 4 (the second recommended
choice of Argon2id: 64 MiB; cryptsetup takes no less than four passes); OWASP Password Storage (PBKDF2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from common import errors
from common.codes import Code

FORMAT = "luks2"

CIPHERS = {  # with the key sizes that each takes, bits; XTS splits its key in two
    "aes-xts-plain64": (512, 256),
    "serpent-xts-plain64": (512, 256),
    "twofish-xts-plain64": (512, 256),
    "xchacha12,aes-adiantum-plain64": (256,),
    "xchacha20,aes-adiantum-plain64": (256,),
}
SECTORS = ("4096", "512", "1024", "2048")
ARGON2 = ("argon2id", "argon2i")
PBKDF2 = "pbkdf2"
MEMORY_KIB = (64 << 10, 8 << 10, 1 << 20)  # usual, least, most
ARGON2_ITERATIONS = (4, 4, 64)
PBKDF2_ITERATIONS = (600_000, 1000, 100_000_000)
_REMEDY = "correct the StorageClass and make the volume again"


@dataclass(frozen=True)
class Encryption:
    """How a volume is encrypted. All but ``discards`` holds when it is formatted, and changes nothing later."""

    cipher: str
    key_bits: int
    pbkdf: str
    memory_kib: int  # of one derivation of a key; 0: none to speak of (pbkdf2)
    iterations: int
    sector_bytes: int
    discards: bool  # the cloud is told which blocks are free


def parse(given: Mapping[str, str]) -> Encryption | None:
    """Return what ``given``, a StorageClass' parameters or a volume context, asks for; None: no encryption.

    Raises InvalidArgument, also for a parameter of encryption where no encryption is asked for.
    """
    if "encryption" not in given:
        if stray := sorted(key for key in given if key.startswith("encryption")):
            raise errors.InvalidArgument(
                f"{stray[0]} is given, and encryption is not", remedy=_REMEDY, error_code=Code.ENCRYPTION_PARAMETERS
            )
        return None
    _one_of("encryption", given, (FORMAT,))
    cipher = _one_of("encryptionCipher", given, tuple(CIPHERS))
    pbkdf = _one_of("encryptionPbkdf", given, (*ARGON2, PBKDF2))
    if pbkdf == PBKDF2 and "encryptionPbkdfMemory" in given:
        raise errors.InvalidArgument(
            "encryptionPbkdfMemory is for argon2id and argon2i", remedy=_REMEDY, error_code=Code.ENCRYPTION_PARAMETERS
        )
    found = Encryption(
        cipher=cipher,
        key_bits=int(_one_of("encryptionKeySize", given, tuple(map(str, CIPHERS[cipher])))),
        pbkdf=pbkdf,
        memory_kib=0 if pbkdf == PBKDF2 else _within("encryptionPbkdfMemory", given, MEMORY_KIB),
        iterations=_within(
            "encryptionPbkdfIterations", given, PBKDF2_ITERATIONS if pbkdf == PBKDF2 else ARGON2_ITERATIONS
        ),
        sector_bytes=int(_one_of("encryptionSectorSize", given, SECTORS)),
        discards=_one_of("encryptionDiscards", given, ("false", "true")) == "true",
    )
    _check_blocks(found, given.get("blockSize", ""))
    return found


def _check_blocks(found: Encryption, block_size: str) -> None:
    """A file system cannot have blocks smaller than the sectors of its device."""
    if block_size.isdecimal() and int(block_size) < found.sector_bytes:
        raise errors.InvalidArgument(
            f"blockSize {block_size[:40]} is less than encryptionSectorSize {found.sector_bytes}",
            remedy=f"set encryptionSectorSize to 512, or {_REMEDY}",
            error_code=Code.ENCRYPTION_PARAMETERS,
        )


def _one_of(key: str, given: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    """Return the value, or the first that is allowed if none is given. An empty one is a slip, and no default."""
    value = given.get(key, allowed[0])
    if value not in allowed:
        raise errors.InvalidArgument(
            f"{key} {value[:40]!r} is not one of: {', '.join(allowed)}",
            remedy=_REMEDY,
            error_code=Code.ENCRYPTION_PARAMETERS,
        )
    return value


def _within(key: str, given: Mapping[str, str], limits: tuple[int, int, int]) -> int:
    usual, least, most = limits
    value = given.get(key, str(usual))
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise errors.InvalidArgument(
            f"{key} {value[:40]!r} is not a number from {least} to {most}",
            remedy=_REMEDY,
            error_code=Code.ENCRYPTION_PARAMETERS,
        )
    return int(value)
