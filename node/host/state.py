"""Small files in the state directory that outlive the process: begun formats, staged and published volumes.

They are read once, at the start; after that memory has them, since this process alone writes them: it owns the
directory from before the first look to its end. A file appears whole or not at all, and one that cannot be read is set
aside, never deleted. Intents are synced to the disk before mkfs starts; the rest need only outlive the process, since
mounts do not outlive the host. ``write`` and ``remove`` block: call them in a thread.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from node.formats import record_json
from node.formats.record_json import Entry, Record
from node.records.state import Intent, Published, Staged

log = structlog.get_logger()

_FOLDERS: dict[type[Entry], str] = {Intent: "formats", Published: "published", Staged: "staged"}
_BOOT = "boot"
_ASIDE = ".unreadable"  # a version that can read the file takes it back
REMEDY = "make room on, or mount, AIOCSI_STATE_DIR"
_ASIDE_REMEDY = "another version of the driver may have written it: that one reads it again; else it may be deleted"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def own(folder: Path) -> int:
    """Make the folder this process's alone, until the returned descriptor is closed; it is made if need be.

    The socket is no proof: a process that drains has given it up, and still writes records. Raises BlockingIOError if
    another process owns the folder, or another OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class StateFolder:
    """The records below one folder, each by its key: a volume's id, or a target path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._boot = ""
        self._known: dict[tuple[type, str], Entry] = {}
        self._unknown: dict[tuple[type, str], dict[str, object]] = {}  # fields of another version

    def load(self, boot: str) -> None:
        """Make the folders, and read what is there. Raises OSError if that cannot be.

        ``boot`` names this boot of the host: mounts of another one are gone, and device numbers are dealt again.
        """
        same_boot, self._boot = self._booted_as(boot), boot
        for kind, name in _FOLDERS.items():
            with _tolerated(f"{name} cannot be made"):
                (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in sorted((self._folder / name).glob(f"*.json{_ASIDE}")):
                self._take_back(kind, path)
            for path in sorted((self._folder / name).glob("*.json")):
                self._take(kind, path, same_boot)
        with _tolerated("the boot cannot be noted"):
            (self._folder / _BOOT).write_text(boot, encoding="ascii")

    def _booted_as(self, boot: str) -> bool:
        path = self._folder / _BOOT
        return path.exists() and path.read_text(encoding="ascii", errors="replace") == boot

    def _take_back(self, kind: type[Entry], path: Path) -> None:
        """A file that an older version has set aside may be one that this version reads.

        Not so a begun format: the volume may have been formatted, and written to, by that version.
        """
        if kind is Intent or path.with_suffix("").exists():
            return
        with suppress(ValueError, OSError):
            record_json.parse(kind, path.read_text(encoding="utf-8"))
            with _tolerated(f"{path.name} cannot be taken back"):
                os.link(path, path.with_suffix(""))
                path.unlink()

    def _take(self, kind: type[Entry], path: Path, same_boot: bool) -> None:
        try:
            record, unknown = record_json.parse(kind, path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            aside = path.with_name(f"{path.name}{_ASIDE}")
            log.warning("record_set_aside", file=str(aside), message=str(error), remedy=_ASIDE_REMEDY)
            with _tolerated(f"{path.name} cannot be set aside"):
                path.replace(aside)
            return
        if same_boot or isinstance(record, Intent):
            self._known[kind, _key(record)], self._unknown[kind, _key(record)] = record, unknown
            return
        with _tolerated(f"{path.name} cannot be removed"):
            path.unlink()

    def read(self, kind: type[Record], key: str) -> Record | None:
        """Return a record, or None."""
        record = self._known.get((kind, key))
        return record if isinstance(record, kind) else None

    def name_of(self, volume_id: str) -> str:
        """Return the name of a volume that is staged here, empty if none is."""
        staged = self.read(Staged, volume_id)
        return staged.volume_name if staged else ""

    def all(self, kind: type[Record]) -> tuple[Record, ...]:
        """Return every record of a kind."""
        return tuple(record for record in list(self._known.values()) if isinstance(record, kind))

    def write(self, record: Entry, *, sync: bool = False) -> None:
        """Write or replace a record. Raises OSError."""
        try:
            self._write(record, sync=sync)
        except FileNotFoundError:
            self.make_again()
            self._write(record, sync=sync)
        self._known[type(record), _key(record)] = record

    def keep(self) -> None:
        """Make the directory again if it is not there. Raises OSError."""
        if not all((self._folder / name).is_dir() for name in _FOLDERS.values()):
            self.make_again()

    def make_again(self) -> None:
        """Make the directory and all records again, after another process has removed it. Raises OSError."""
        log.warning("state_directory_gone", directory=str(self._folder), records=len(self._known))
        if not self._folder.is_dir():
            own(self._folder)
        for name in _FOLDERS.values():
            (self._folder / name).mkdir(exist_ok=True, mode=0o700)
        for record in list(self._known.values()):
            self._write(record, sync=isinstance(record, Intent))
        (self._folder / _BOOT).write_text(self._boot, encoding="ascii")

    def _write(self, record: Entry, *, sync: bool) -> None:
        path = self._path(type(record), _key(record))
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(record_json.render(record, self._unknown.get((type(record), _key(record)), {})).encode())
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise
        if sync:
            _sync_folder(path.parent)

    def remove(self, kind: type[Record], key: str) -> None:
        """Remove a record; one that is not there is no error.

        A begun format that stays on the disk would be begun again, over data: that raises OSError. The other records
        are compared with the mounts whenever they are read, so one that stays on a read-only disk does no harm.
        """
        if self._known.get((kind, key)) is None:
            return
        try:
            self._path(kind, key).unlink(missing_ok=True)
        except OSError as error:
            if kind is Intent:
                raise
            log.warning("record_not_removed", file=str(self._path(kind, key)), message=str(error), remedy=REMEDY)
        del self._known[kind, key]
        self._unknown.pop((kind, key), None)

    def _path(self, kind: type, key: str) -> Path:
        return self._folder / _FOLDERS[kind] / f"{file_name(key)}.json"


def _key(record: Entry) -> str:
    return record.target if isinstance(record, Published) else record.volume_id


def file_name(key: str) -> str:
    """Return a file name: the key itself if it can be one, else its hash."""
    return key if _PLAIN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()


@contextmanager
def _tolerated(what: str) -> Iterator[None]:
    """A directory that is full or read-only does not keep the service from unstaging."""
    try:
        yield
    except OSError as error:
        log.warning("state_directory_not_written", what=what, message=str(error), remedy=REMEDY)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
