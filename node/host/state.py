"""Small files in the plugin's folder that outlive the process: begun formats, staged and published volumes.

They are read once, at the start; after that memory has them, since this process alone writes them: it owns the folder
from before the first look to its end. A file appears whole or not at all. Intents are synced to the disk before mkfs
starts; the rest need only outlive the process, since mounts do not outlive the host. ``write`` and ``remove`` block:
call them in a thread.
"""

import fcntl
import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from node.records.state import Intent, Published, Staged

Entry = Intent | Published | Staged
Record = TypeVar("Record", bound=Entry)

_FOLDERS: dict[type[Entry], str] = {Intent: "formats", Published: "published", Staged: "staged"}
_BOOT = "boot"
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
        self._known: dict[tuple[type, str], Entry] = {}

    def load(self, boot: str) -> None:
        """Make the folders, and read what is there; what cannot be read is left out. Raises OSError.

        ``boot`` names this boot of the host: mounts of another one are gone, and device numbers are dealt anew.
        """
        for kind, name in _FOLDERS.items():
            folder = self._folder / name
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in folder.glob("*.json"):
                self._take(kind, path, self._booted_as(boot))
        (self._folder / _BOOT).write_text(boot, encoding="ascii")

    def _booted_as(self, boot: str) -> bool:
        path = self._folder / _BOOT
        return path.exists() and path.read_text(encoding="ascii", errors="replace") == boot

    def _take(self, kind: type[Entry], path: Path, same_boot: bool) -> None:
        record = _load(kind, path)
        if record is not None and (same_boot or isinstance(record, Intent)):
            self._known[kind, _key(record)] = record
        else:
            path.unlink()

    def read(self, kind: type[Record], key: str) -> Record | None:
        """Return a record, or None."""
        record = self._known.get((kind, key))
        return record if isinstance(record, kind) else None

    def all(self, kind: type[Record]) -> tuple[Record, ...]:
        """Return every record of a kind."""
        return tuple(record for record in list(self._known.values()) if isinstance(record, kind))

    def write(self, record: Entry, *, sync: bool = False) -> None:
        """Write or replace a record. Raises OSError."""
        path = self._path(type(record), _key(record))
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(record), file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if sync:
            _sync_folder(path.parent)
        self._known[type(record), _key(record)] = record

    def remove(self, kind: type[Record], key: str) -> None:
        """Remove a record; one that is not there is no error. Raises OSError."""
        if self._known.get((kind, key)) is not None:
            self._path(kind, key).unlink(missing_ok=True)
            del self._known[kind, key]

    def _path(self, kind: type, key: str) -> Path:
        return self._folder / _FOLDERS[kind] / f"{_name(key)}.json"


def _key(record: Entry) -> str:
    return record.target if isinstance(record, Published) else record.volume_id


def _name(key: str) -> str:
    """Return a file name: the key itself if it can be one, else its hash."""
    return key if _PLAIN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()


def _load(kind: type[Entry], path: Path) -> Entry | None:
    with suppress(ValueError, TypeError):
        fields = json.loads(path.read_text(encoding="utf-8"), object_hook=_frozen)
        return kind(**fields)
    return None


def _frozen(fields: dict[str, object]) -> dict[str, object]:
    """JSON has lists where the records have tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
