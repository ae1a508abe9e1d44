"""Debian's packages below the image: exactly those of requirements/debian.txt, from wherever they can still be had.

``python -m tools.image.debian`` renews that file from Debian's archive, and says what is different.

A package that was fetched once is kept in the cache by its hash; else it is where this machine's apt has Debian from,
or, once a newer version took its place there, in an archive of snapshots that AIOCSI_DEBIAN_PLACES names. Where none
of them has it, a release is refused; an image to test is made from the archive as it is, and says so: a test must not
fail because Debian has published an update.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.golang import CACHE
from tools.image import ROOT, archive, debian_packages, pins, root

LOCK = ROOT / "requirements" / "debian.txt"
MORE_PLACES = "AIOCSI_DEBIAN_PLACES"  # addresses with {archive}, {moment} and {path}, in words
QUIET = ("-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=15", "-o", "Acquire::Retries=1", "-qq")
SECONDS = 180
UNTIL_SNAPSHOT = timedelta(days=1)  # they are made some times a day: one of the next day has what the archive has now
MOMENT = "%Y%m%dT%H%M%SZ"
NAMED = 3
ARCHITECTURES = tuple(archive.ARCHITECTURES.values())


class NotLocked(Exception):
    """A package of the lock can be had nowhere; the text names it, and says what to do."""


@dataclass(frozen=True)
class Store:
    """The packages that were fetched, by hash; ``helper`` is apt's program that fetches more, from ``places``."""

    folder: Path = CACHE / "debs"
    helper: str = "/usr/lib/apt/apt-helper"
    places: Callable[[], Sequence[str]] = lambda: [*_of_apt(), *os.environ.get(MORE_PLACES, "").split()]

    def file(self, pin: pins.Pin) -> Path:
        """Return where a package is, or will be once it is fetched."""
        return self.folder / f"{pin.sha256}.deb"

    def add(self, pin: pins.Pin, file: Path) -> None:
        """Keep a package."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, self.file(pin))

    def fetch(self, wanted: Sequence[pins.Pin], moment: str) -> None:
        """Fetch what is not there. Raises NotLocked."""
        for place in self.places() if self._lacking(wanted) else ():
            if lacking := self._lacking(wanted):
                self._download(
                    (place.format(archive=pin.archive, path=pin.path, moment=moment), pin) for pin in lacking
                )
        if lacking := self._lacking(wanted):
            more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
            raise NotLocked(
                f"{', '.join(map(str, lacking[:NAMED]))}{more}: apt's sources for Debian have no longer what "
                f"requirements/debian.txt names; name an archive of snapshots in {MORE_PLACES}, or run "
                "`make lock-debian` and `make image`, and commit"
            )

    def _lacking(self, wanted: Iterable[pins.Pin]) -> list[pins.Pin]:
        return [pin for pin in wanted if not self.file(pin).exists()]

    def _download(self, wanted: Iterable[tuple[str, pins.Pin]]) -> None:
        """Fetch files, as far as they are there with the right contents."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="new-", dir=self.folder) as name:
            argv = [self.helper, *QUIET, "download-file"]
            for url, pin in wanted:
                argv += [url, str(Path(name) / pin.sha256), f"SHA256:{pin.sha256}"]
            try:
                subprocess.run(argv, check=False, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                print(f"{argv[-3]}: no answer in {SECONDS} s", file=sys.stderr)
            for file in Path(name).iterdir():
                if _digest(file) == file.name:
                    file.replace(self.folder / f"{file.name}.deb")


def _of_apt() -> list[str]:
    """Return where this machine's apt has Debian from; nothing on another system."""
    argv = ["apt-get", "indextargets", "--format", "$(SITE)"]
    try:
        told = subprocess.run(argv, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    sites = [line.rpartition("/") for line in sorted(set(told.splitlines()))]
    hosts = dict.fromkeys(host for host, _, archive in sites if archive in {"debian", "debian-security"})
    return [f"{host}/{{archive}}/{{path}}" for host in hosts]


KEPT = Store()


def sources(
    architectures: Sequence[str], folder: Path, *, exact: bool, lock: pins.Lock | None = None, store: Store = KEPT
) -> dict[str, root.Source]:
    """Return where mmdebstrap takes the packages of each architecture from: repositories made in ``folder``.

    Raises NotLocked if ``exact``; else, where a locked package is gone, all are the newest of Debian's archive.
    """
    lock = lock or pins.read(LOCK.read_text())
    try:
        for one in architectures:
            store.fetch(lock.of(one), lock.moment)
    except NotLocked as error:
        if exact:
            raise
        print(f"NOT THE LOCKED PACKAGES, but those that Debian's archive has now: {error}", file=sys.stderr)
        return dict.fromkeys(architectures, root.Source(of=f"{datetime.now(UTC):%G-%V}"))
    return {one: _repository(lock.of(one), one, folder / one, store) for one in architectures}


def main() -> int:
    """Return the exit status: 0 the lock is written, 1 it cannot be."""
    before = pins.read(LOCK.read_text()).pins if LOCK.exists() else ()
    moment = datetime.now(UTC)
    try:
        found = {pin for one in ARCHITECTURES for pin in _newest(one, f"{moment:{MOMENT}}")}
    except subprocess.CalledProcessError as error:
        print(f"no lock: {error}", file=sys.stderr)
        return 1
    made = pins.Lock(pins.digest(debian_packages()), f"{moment + UNTIL_SNAPSHOT:{MOMENT}}", tuple(sorted(found)))
    changed = pins.changes(before, made.pins)
    if changed or not before:
        LOCK.write_text(pins.written(made))
    print(*changed, f"{LOCK.relative_to(ROOT)}: {len(made.pins)} packages, {len(changed)} changed", sep="\n")
    return 0


def _newest(architecture: str, of: str) -> Iterator[pins.Pin]:
    """Yield what the archive has now of the image's packages, and keep the files."""
    native = architecture == archive.ARCHITECTURES[os.uname().machine]
    source = root.Source(of=of, keep=True)
    tar = root.root(source=source) if native else root.unpacked(architecture, source=source)
    with TemporaryDirectory(prefix="aiocsi-lock-") as name:
        subprocess.run(["tar", "-C", name, "-xf", tar, "./var/cache/apt/archives", "./var/lib/apt/lists"], check=True)
        tar.unlink()
        indexes = [file.read_text() for file in (Path(name) / "var/lib/apt/lists").glob("*_Packages")]
        known = {key: pin for index in indexes for key, pin in pins.indexed(index).items()}
        for file in sorted((Path(name) / "var/cache/apt/archives").glob("*.deb")):
            pin = known[_digest(file)]
            KEPT.add(pin, file)
            yield pin


def _repository(wanted: Sequence[pins.Pin], architecture: str, folder: Path, store: Store) -> root.Source:
    """Make a repository of these packages alone; no other can be installed from it."""
    folder.mkdir(parents=True)
    stanzas = []
    for pin in wanted:
        file = folder / Path(pin.path).name
        shutil.copyfile(store.file(pin), file)
        control = subprocess.run(["dpkg-deb", "--field", file], check=True, capture_output=True, text=True).stdout
        stanzas.append(
            f"{control.strip()}\nFilename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {pin.sha256}\n"
        )
    index = "\n".join(stanzas).encode()
    (folder / "Packages").write_bytes(index)
    told = f"Suite: {root.SUITE}\nCodename: {root.SUITE}\nArchitectures: all {architecture}\nSHA256:\n"
    (folder / "Release").write_text(f"{told} {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n")
    return root.Source(of=hashlib.sha256(index).hexdigest(), lines=(f"deb [trusted=yes] copy:{folder} ./",))


def _digest(file: Path) -> str:
    with file.open("rb") as contents:
        return hashlib.file_digest(contents, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
