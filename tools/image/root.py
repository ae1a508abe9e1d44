"""The image's root file system without a registry: Debian 12 by mmdebstrap, with the packages of packages.txt.

It is kept in the cache, and made again when the list of packages, the release or what is left out changes.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.golang import CACHE
from tools.image import debian_packages

SUITE = "bookworm"
SECONDS = 1200
MERGED = "usr-is-merged"  # stands in for usrmerge, which apt prefers and which brings the whole of Perl
PURGED = "usrmerge libfile-find-rule-perl libnumber-compare-perl libtext-glob-perl perl perl-modules-5.36 libperl5.36"
PURGED += " libgdbm-compat4 libgdbm6"
LEFT_OUT = (  # documentation; licences stay
    "path-exclude=/usr/share/doc/*/*",  # not those of one level: a package may have another's folder by a link
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
)
BASE = ("base-files", "base-passwd", "coreutils")  # essential: there by themselves where packages are set up
KEPT = "--skip=cleanup/apt,essential/unlink"  # the .deb files stay in it
UNPACKED = ("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", KEPT)


@dataclass(frozen=True)
class Source:
    """Where packages come from: ``lines`` as in apt's sources.list, or, without any, Debian's archive.

    ``of`` is any text: a root made with another is not taken from the cache. ``keep`` leaves the .deb files in it.
    """

    of: str = ""
    lines: tuple[str, ...] = ()
    keep: bool = False


ARCHIVE = Source()


def root(packages: Sequence[str] = (), variant: str = "essential", *, source: Source = ARCHIVE) -> Path:
    """Return a tar of the root file system. Raises CalledProcessError, or FileNotFoundError without mmdebstrap."""
    names = sorted({MERGED, *(packages or debian_packages())})
    key = _key(SUITE, variant, names, LEFT_OUT, PURGED, *filter(None, [source.of]))
    more = [f'--customize-hook=chroot "$1" dpkg --purge {PURGED} >&2', *([KEPT] if source.keep else [])]
    return _made(key, variant, names, more, source)


def unpacked(architecture: str, *, source: Source = ARCHIVE) -> Path:
    """Return a tar with the image's packages for ``architecture`` unpacked, and with their archives; else as root."""
    names = sorted({MERGED, *BASE, *debian_packages()})
    key = _key(SUITE, architecture, names, LEFT_OUT, UNPACKED, *filter(None, [source.of]))
    return _made(key, "extract", names, [f"--architectures={architecture}", *UNPACKED], source)


def _key(*made_of: object) -> str:
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


def _made(key: str, variant: str, names: Sequence[str], more: Sequence[str], source: Source) -> Path:
    target = CACHE / "roots" / f"{SUITE}-{key}.tar"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"new-{target.name}")
        options = [f"--dpkgopt={option}" for option in LEFT_OUT]
        options += [f"--variant={variant}", "--mode=root", "--quiet", f"--include={','.join(names)}", *more]
        argv = ["mmdebstrap", *options, SUITE, str(unfinished), *source.lines]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
        unfinished.replace(target)
    return target
