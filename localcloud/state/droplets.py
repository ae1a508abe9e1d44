"""Droplets: the machines that volumes are attached to."""

import json
from dataclasses import dataclass

from localcloud.state.database import Database, Row
from localcloud.state.paging import Page, Slice

_SELECT = """
SELECT droplets.*,
  (SELECT json_group_array(id) FROM volumes WHERE droplet_id = droplets.id) AS volume_ids,
  (SELECT json_group_array(tag) FROM taggings
   WHERE resource_type = 'droplet' AND resource_id = CAST(droplets.id AS TEXT)) AS tags
FROM droplets
"""
_MATCHES = """
WHERE (? IS NULL OR name = ?) AND (? IS NULL OR CAST(droplets.id AS TEXT) IN
  (SELECT resource_id FROM taggings WHERE resource_type = 'droplet' AND tag = ?))
"""


@dataclass(frozen=True)
class Droplet:
    """One droplet. ``status`` is active or off, ``created_at`` seconds since 1970."""

    id: int
    name: str
    region: str
    status: str
    created_at: float
    volume_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Droplets:
    """The table of droplets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, droplet_id: int) -> Droplet | None:
        """Return the droplet of that id."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (droplet_id,))
        return None if row is None else _record(row)

    def page(self, asked: Slice, name: str | None = None, tag: str | None = None) -> Page[Droplet]:
        """Return a page of the droplets, oldest first."""
        matches = (name, name, tag, tag)  # numbered placeholders would do with less, but Python 3.12.1 warns of them
        total = self._database.number(f"SELECT COUNT(*) FROM droplets {_MATCHES}", matches)  # noqa: S608 (fixed)
        sql = f"{_SELECT} {_MATCHES} ORDER BY id LIMIT ? OFFSET ?"
        rows = self._database.rows(sql, (*matches, asked.per_page, asked.offset))
        return Page(tuple(map(_record, rows)), total)

    def all(self) -> list[Droplet]:
        """Return every droplet, oldest first."""
        return [_record(row) for row in self._database.rows(f"{_SELECT} ORDER BY id")]

    def count(self) -> int:
        """Return how many droplets there are."""
        return self._database.number("SELECT COUNT(*) FROM droplets")

    def add(self, name: str, region: str, created_at: float) -> int:
        """Insert an active droplet; return its id."""
        return self._database.change(
            "INSERT INTO droplets (name, region, status, created_at) VALUES (?, ?, 'active', ?)",
            (name, region, created_at),
        )

    def set_status(self, droplet_id: int, status: str) -> None:
        """Write down that the droplet is active or off."""
        self._database.change("UPDATE droplets SET status = ? WHERE id = ?", (status, droplet_id))

    def remove(self, droplet_id: int) -> None:
        """Delete the droplet's row."""
        self._database.change("DELETE FROM droplets WHERE id = ?", (droplet_id,))


def _record(row: Row) -> Droplet:
    return Droplet(
        id=row["id"],
        name=row["name"],
        region=row["region"],
        status=row["status"],
        created_at=row["created_at"],
        volume_ids=tuple(json.loads(row["volume_ids"])),
        tags=tuple(json.loads(row["tags"])),
    )
