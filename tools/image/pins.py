"""The lock of Debian's packages, requirements/debian.txt: those below the image, by name, version and hash. Pure.

It names no host. Sources: Debian's repository format (Packages, Filename, SHA256); man page deb-control.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

SECURITY = "pool/updates/"


@dataclass(frozen=True, order=True)
class Pin:
    """One package: its version, its architecture (or ``all``), and the archive's file with its SHA-256."""

    name: str
    architecture: str
    version: str
    sha256: str
    path: str

    @property
    def archive(self) -> str:
        """Which of Debian's archives has it."""
        return "debian-security" if self.path.startswith(SECURITY) else "debian"

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.architecture})"


@dataclass(frozen=True)
class Lock:
    """The lock: what it was made from (a digest), which snapshot of Debian's archive has it all, and its packages."""

    made_from: str
    moment: str
    pins: tuple[Pin, ...]

    def of(self, architecture: str) -> list[Pin]:
        """Return the packages for an architecture."""
        return [pin for pin in self.pins if pin.architecture in {architecture, "all"}]


def digest(packages: Iterable[str]) -> str:
    """Return the digest of what is asked for."""
    return hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest()[:16]


def written(lock: Lock) -> str:
    """Return the text of a lock file."""
    lines = [
        f"# debian: made by `make lock-debian` from tools/image/packages.txt, sha256:{lock.made_from} {lock.moment}"
    ]
    lines += [
        f"{pin.name} {pin.architecture} {pin.version} sha256:{pin.sha256} {pin.path}" for pin in sorted(lock.pins)
    ]
    return "\n".join([*lines, ""])


def read(text: str) -> Lock:
    """Return what a lock file says. Raises ValueError."""
    first, *lines = text.splitlines()
    made_from, moment = first.rpartition("sha256:")[2].split()
    pins = []
    for line in lines:
        name, architecture, version, sha256, path = line.split()
        pins.append(Pin(name, architecture, version, sha256.removeprefix("sha256:"), path))
    return Lock(made_from, moment, tuple(pins))


def indexed(index: str) -> dict[str, Pin]:
    """Return the packages of one of the archive's indexes, by their SHA-256."""
    found = (_pin(dict(_fields(stanza))) for stanza in index.split("\n\n") if stanza.strip())
    return {pin.sha256: pin for pin in found}


def changes(before: Sequence[Pin], after: Sequence[Pin]) -> list[str]:
    """Return a line for each package that is new, gone, or of another version."""
    old, new = _versions(before), _versions(after)
    return [
        f"{name} ({architecture}): {old.get((name, architecture), 'new')} -> {new.get((name, architecture), 'gone')}"
        for name, architecture in sorted({*old, *new})
        if old.get((name, architecture)) != new.get((name, architecture))
    ]


def _versions(pins: Iterable[Pin]) -> dict[tuple[str, str], str]:
    return {(pin.name, pin.architecture): pin.version for pin in pins}


def _pin(fields: Mapping[str, str]) -> Pin:
    return Pin(fields["Package"], fields["Architecture"], fields["Version"], fields["SHA256"], fields["Filename"])


def _fields(stanza: str) -> Iterator[tuple[str, str]]:
    for line in stanza.splitlines():
        name, colon, value = line.partition(": ")
        if colon and not line.startswith(" "):
            yield name, value
