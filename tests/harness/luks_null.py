"""A LUKS2 header whose key slot is encrypted with nothing: whoever writes it knows the key, any passphrase opens it.

Sources: LUKS2 On-Disk Format Specification 1.1.1; LUKS1 On-Disk Format 1.2.3, 2.4 (anti-forensic splitting);
CVE-2025-59054.
"""

import base64
import hashlib
import random
import struct

from tests.harness import luks

_KEY = random.Random(1).randbytes(64)  # noqa: S311  # a key that everybody knows
_SALT = bytes(32)
_STRIPES, _ITERATIONS, _SLOT_AT = 4000, 1000, 32768
_KDF = {"type": "pbkdf2", "hash": "sha256", "iterations": _ITERATIONS, "salt": base64.b64encode(_SALT).decode()}


def null_slot(*, label: str, subsystem: str) -> bytes:
    """Return the first bytes of a disk: both copies of the header, and its key slot in clear."""
    made = luks.metadata("keyslots/0/kdf", _KDF)
    digest = hashlib.pbkdf2_hmac("sha256", _KEY, _SALT, _ITERATIONS, 32)
    for path, value in (
        ("keyslots/0/area/encryption", "cipher_null-ecb"),
        ("digests/0/salt", _KDF["salt"]),
        ("digests/0/digest", base64.b64encode(digest).decode()),
    ):
        luks.change(made, path, value)
    return luks.area(made, label=label, subsystem=subsystem).ljust(_SLOT_AT, b"\0") + _split(_KEY)


def _split(key: bytes) -> bytes:
    chance, parts, mixed = random.Random(2), bytearray(), bytes(len(key))  # noqa: S311  # not secret
    for _ in range(_STRIPES - 1):
        part = chance.randbytes(len(key))
        parts += part
        mixed = _diffuse(_xor(mixed, part))
    return bytes(parts + _xor(mixed, key))


def _diffuse(data: bytes) -> bytes:
    blocks = (data[at : at + 32] for at in range(0, len(data), 32))
    return b"".join(hashlib.sha256(struct.pack(">I", number) + block).digest() for number, block in enumerate(blocks))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))
