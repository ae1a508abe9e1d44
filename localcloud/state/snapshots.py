"""Snapshots of volumes."""

import json
from dataclasses import dataclass

from localcloud.state.database import Database, Row
from localcloud.state.paging import Page, Slice

_SELECT = """
SELECT snapshots.*, (SELECT json_group_array(tag) FROM taggings
                     WHERE resource_type = 'volume_snapshot' AND resource_id = snapshots.id) AS tags
FROM snapshots
"""


@dataclass(frozen=True)
class Snapshot:
    """One finished snapshot. ``size_gib`` is the size of the volume when it was made."""

    id: str
    name: str
    volume_id: str
    region: str
    size_gib: int
    created_at: float
    tags: tuple[str, ...] = ()


class Snapshots:
    """The table of snapshots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, snapshot_id: str) -> Snapshot | None:
        """Return the snapshot of that id."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (snapshot_id,))
        return None if row is None else _record(row)

    def is_name_taken(self, name: str) -> bool:
        """Say whether a snapshot has that name."""
        return self._database.row("SELECT 1 FROM snapshots WHERE name = ?", (name,)) is not None

    def page(self, asked: Slice, volume_id: str | None = None) -> Page[Snapshot]:
        """Return a page of the snapshots of a volume, or of all; oldest first."""
        where, values = ("", ()) if volume_id is None else ("WHERE volume_id = ?", (volume_id,))
        total = self._database.number(f"SELECT COUNT(*) FROM snapshots {where}", values)  # noqa: S608 (fixed texts)
        sql = f"{_SELECT} {where} ORDER BY seq LIMIT ? OFFSET ?"
        rows = self._database.rows(sql, (*values, asked.per_page, asked.offset))
        return Page(tuple(map(_record, rows)), total)

    def all(self) -> list[Snapshot]:
        """Return every snapshot, oldest first."""
        return [_record(row) for row in self._database.rows(f"{_SELECT} ORDER BY seq")]

    def of_volume(self, volume_id: str) -> list[Snapshot]:
        """Return the snapshots of a volume, oldest first."""
        rows = self._database.rows(f"{_SELECT} WHERE volume_id = ? ORDER BY seq", (volume_id,))
        return [_record(row) for row in rows]

    def add(self, snapshot: Snapshot) -> None:
        """Insert a finished snapshot that has no tags yet."""
        self._database.change(
            "INSERT INTO snapshots (id, name, volume_id, region, size_gib, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                snapshot.id,
                snapshot.name,
                snapshot.volume_id,
                snapshot.region,
                snapshot.size_gib,
                snapshot.created_at,
            ),
        )

    def remove(self, snapshot_id: str) -> None:
        """Delete the snapshot's row."""
        self._database.change("DELETE FROM snapshots WHERE id = ?", (snapshot_id,))


def _record(row: Row) -> Snapshot:
    return Snapshot(
        id=row["id"],
        name=row["name"],
        volume_id=row["volume_id"],
        region=row["region"],
        size_gib=row["size_gib"],
        created_at=row["created_at"],
        tags=tuple(json.loads(row["tags"])),
    )
