"""Volumes and who holds them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.state.database import Database, Row, Value
from localcloud.state.paging import Page, Slice

_SELECT = """
SELECT volumes.*, (SELECT json_group_array(tag) FROM taggings
                   WHERE resource_type = 'volume' AND resource_id = volumes.id) AS tags
FROM volumes
"""


@dataclass(frozen=True)
class Volume:
    """One volume. ``size_gib`` counts GiB, ``created_at`` seconds since 1970."""

    id: str
    name: str
    region: str
    size_gib: int
    description: str
    filesystem_type: str
    filesystem_label: str
    created_at: float
    droplet_id: int | None = None
    tags: tuple[str, ...] = ()
    last_snapshot_at: float | None = None  # also of a snapshot that was deleted since


class Volumes:
    """The table of volumes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, volume_id: str) -> Volume | None:
        """Return the volume of that id."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (volume_id,))
        return None if row is None else _record(row)

    def find(self, name: str, region: str) -> Volume | None:
        """Return the volume of that name in that region."""
        row = self._database.row(f"{_SELECT} WHERE name = ? AND region = ?", (name, region))
        return None if row is None else _record(row)

    def page(
        self, asked: Slice, name: str | None = None, region: str | None = None, *, newest_first: bool = False
    ) -> Page[Volume]:
        """Return a page of the volumes, oldest first unless it is asked otherwise."""
        where, values = _where(name, region)
        total = self._database.number(f"SELECT COUNT(*) FROM volumes {where}", values)  # noqa: S608 (fixed texts)
        order = "DESC" if newest_first else "ASC"
        sql = f"{_SELECT} {where} ORDER BY seq {order} LIMIT ? OFFSET ?"
        rows = self._database.rows(sql, (*values, asked.per_page, asked.offset))
        return Page(tuple(map(_record, rows)), total)

    def all(self) -> list[Volume]:
        """Return every volume, oldest first."""
        return [_record(row) for row in self._database.rows(f"{_SELECT} ORDER BY seq")]

    def of_droplet(self, droplet_id: int) -> list[Volume]:
        """Return the volumes that are attached to a droplet, oldest first."""
        rows = self._database.rows(f"{_SELECT} WHERE droplet_id = ? ORDER BY seq", (droplet_id,))
        return [_record(row) for row in rows]

    def count(self) -> int:
        """Return how many volumes there are."""
        return self._database.number("SELECT COUNT(*) FROM volumes")

    def add(self, volume: Volume) -> None:
        """Insert a volume that is attached to nothing and has no tags yet."""
        self._database.change(
            "INSERT INTO volumes (id, name, region, size_gib, description, filesystem_type, filesystem_label,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                volume.id,
                volume.name,
                volume.region,
                volume.size_gib,
                volume.description,
                volume.filesystem_type,
                volume.filesystem_label,
                volume.created_at,
            ),
        )

    def set_droplet(self, volume_id: str, droplet_id: int | None) -> None:
        """Write down who holds the volume."""
        self._database.change("UPDATE volumes SET droplet_id = ? WHERE id = ?", (droplet_id, volume_id))

    def set_size(self, volume_id: str, size_gib: int) -> None:
        """Write down the volume's size in GiB."""
        self._database.change("UPDATE volumes SET size_gib = ? WHERE id = ?", (size_gib, volume_id))

    def set_last_snapshot(self, volume_id: str, made_at: float) -> None:
        """Write down when the newest snapshot was made."""
        self._database.change("UPDATE volumes SET last_snapshot_at = ? WHERE id = ?", (made_at, volume_id))

    def remove(self, volume_id: str) -> None:
        """Delete the volume's row."""
        self._database.change("DELETE FROM volumes WHERE id = ?", (volume_id,))


def _where(name: str | None, region: str | None) -> tuple[str, Sequence[Value]]:
    wanted = {"name": name, "region": region}
    asked = {column: value for column, value in wanted.items() if value is not None}
    text = " AND ".join(f"{column} = ?" for column in asked)
    return (f"WHERE {text}" if text else ""), tuple(asked.values())


def _record(row: Row) -> Volume:
    return Volume(
        id=row["id"],
        name=row["name"],
        region=row["region"],
        size_gib=row["size_gib"],
        description=row["description"],
        filesystem_type=row["filesystem_type"],
        filesystem_label=row["filesystem_label"],
        created_at=row["created_at"],
        droplet_id=row["droplet_id"],
        tags=tuple(json.loads(row["tags"])),
        last_snapshot_at=row["last_snapshot_at"],
    )
