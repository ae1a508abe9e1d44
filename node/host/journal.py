"""Small files in the plugin's folder that outlive the process: begun formats, staged and published volumes.

A file appears whole or not at all. Intents are synced to the disk before mkfs starts; the rest need only outlive the
process, since mounts do not outlive the host. Everything here blocks: call it in a thread.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from node.records import Intent, Published, Staged

Record = TypeVar("Record", bound=Intent | Published | Staged)

_FOLDERS: dict[type, str] = {Intent: "formats", Published: "published", Staged: "staged"}


class Journal:
    """The records below one folder, each by its key: a volume's id, or a target path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        for name in _FOLDERS.values():
            (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, key: str, record: Record, *, sync: bool = False) -> None:
        """Write or replace a record."""
        path = self._path(type(record), key)
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(record), file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if sync:
            _sync_folder(path.parent)

    def read(self, kind: type[Record], key: str) -> Record | None:
        """Return a record, or None if there is none, or none that can be read."""
        return _load(kind, self._path(kind, key))

    def remove(self, kind: type[Record], key: str) -> None:
        """Remove a record; one that is not there is no error."""
        self._path(kind, key).unlink(missing_ok=True)

    def all(self, kind: type[Record]) -> tuple[Record, ...]:
        """Return every record of a kind that can be read."""
        return tuple(self._each(kind))

    def _each(self, kind: type[Record]) -> Iterator[Record]:
        with suppress(FileNotFoundError):
            for path in sorted((self._folder / _FOLDERS[kind]).glob("*.json")):
                if (record := _load(kind, path)) is not None:
                    yield record

    def _path(self, kind: type[Record], key: str) -> Path:
        return self._folder / _FOLDERS[kind] / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _load(kind: type[Record], path: Path) -> Record | None:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"), object_hook=_frozen)
        return kind(**fields)
    except (FileNotFoundError, ValueError, TypeError):
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
