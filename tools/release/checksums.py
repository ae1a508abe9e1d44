"""SHA256SUMS of a release, as ``sha256sum --check`` reads it."""

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below ``folder``, without the checksums themselves and signatures."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.name != NAME and file.suffix != ".sig"
    }


def write(folder: Path) -> Path:
    """Write the checksums of a release; return the file."""
    target = folder / NAME
    target.write_text("".join(f"{digest}  {name}\n" for name, digest in sums(folder).items()))
    return target
