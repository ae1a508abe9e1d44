"""Ask the real cryptsetup about a header, which needs neither a device nor device-mapper, and write odd headers."""

import copy
import hashlib
import json
import struct
from pathlib import Path

from tools.processes.run import ToolFailed, run

COPY_BYTES = 0x4000  # of a header with its JSON, as cryptsetup makes it
_BINARY = struct.Struct(">6sHQQ48s32s64s40s48sQ")
_SALT = "UCPWbWc6dG9T4ClvvMv64HbiVRQ/d63sjfLVutUfozw="
_METADATA = {
    "keyslots": {
        "0": {
            "type": "luks2",
            "key_size": 64,
            "af": {"type": "luks1", "stripes": 4000, "hash": "sha256"},
            "area": {
                "type": "raw",
                "offset": "32768",
                "size": "258048",
                "encryption": "aes-xts-plain64",
                "key_size": 64,
            },
            "kdf": {"type": "argon2id", "time": 4, "memory": 65536, "cpus": 2, "salt": _SALT},
        }
    },
    "tokens": {},
    "segments": {
        "0": {
            "type": "crypt",
            "offset": "16777216",
            "size": "dynamic",
            "iv_tweak": "0",
            "encryption": "aes-xts-plain64",
            "sector_size": 4096,
        }
    },
    "digests": {
        "0": {
            "type": "pbkdf2",
            "keyslots": ["0"],
            "segments": ["0"],
            "hash": "sha256",
            "iterations": 1000,
            "salt": _SALT,
            "digest": _SALT,
        }
    },
    "config": {"json_size": "12288", "keyslots_size": "16744448"},
}
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


def metadata(path: str = "", value: object = None) -> dict[str, object]:
    """Return the JSON of a header as cryptsetup makes it, with one member changed: ``segments/0/encryption``."""
    made: dict[str, object] = copy.deepcopy(_METADATA)
    if path:
        change(made, path, value)
    return made


def change(made: dict[str, object], path: str, value: object) -> None:
    """Set one member."""
    *folders, name = path.split("/")
    inner: object = made
    for folder in folders:
        assert isinstance(inner, dict)
        inner = inner[folder]
    assert isinstance(inner, dict)
    inner[name] = value


def area(json_area: bytes | dict[str, object], *, label: str, subsystem: str = "aiocsi", sequence: int = 3) -> bytes:
    """Return both copies of a header with right checksums, whatever its JSON is."""
    written = json_area if isinstance(json_area, bytes) else json.dumps(json_area).encode()
    return header_copy(written, label=label, subsystem=subsystem, sequence=sequence) + header_copy(
        written, label=label, subsystem=subsystem, sequence=sequence, at=COPY_BYTES
    )


def header_copy(
    written: bytes,
    *,
    label: str,
    subsystem: str,
    sequence: int,
    at: int = 0,
    size: int = COPY_BYTES,
    by: str = "sha256",
) -> bytes:
    """Return one copy of a header, of ``size`` bytes, for the offset ``at``."""
    magic = b"SKUL\xba\xbe" if at else b"LUKS\xba\xbe"
    uuid = b"11111111-2222-3333-4444-555555555555"
    fields = (magic, 2, size, sequence, label.encode(), by.encode(), bytes(64), uuid, subsystem.encode(), at)
    whole = bytearray(_BINARY.pack(*fields).ljust(4096, b"\0") + written).ljust(size, b"\0")
    digest = hashlib.new(by, whole).digest()
    whole[448 : 448 + len(digest)] = digest
    return bytes(whole)
