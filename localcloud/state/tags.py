"""Tags and what carries them."""

from collections.abc import Iterable
from dataclasses import dataclass

from localcloud.state.database import Database
from localcloud.state.paging import Page, Slice


@dataclass(frozen=True)
class Tag:
    """One tag, and how many things of each type carry it."""

    name: str
    counts: dict[str, int]


class Tags:
    """The tables of tags and taggings. A resource is named by its type (volume, volume_snapshot, droplet) and id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def exists(self, name: str) -> bool:
        """Say whether there is such a tag, in exactly this spelling."""
        return self._database.row("SELECT 1 FROM tags WHERE name = ?", (name,)) is not None

    def get(self, name: str) -> Tag:
        """Return a tag that exists, with its counts."""
        rows = self._database.rows(
            "SELECT resource_type, COUNT(*) AS n FROM taggings WHERE tag = ? GROUP BY resource_type", (name,)
        )
        return Tag(name, {row["resource_type"]: row["n"] for row in rows})

    def page(self, asked: Slice) -> Page[Tag]:
        """Return a page of the tags, by name."""
        total = self._database.number("SELECT COUNT(*) FROM tags")
        rows = self._database.rows(
            "SELECT name FROM tags ORDER BY name LIMIT ? OFFSET ?", (asked.per_page, asked.offset)
        )
        return Page(tuple(self.get(row["name"]) for row in rows), total)

    def add(self, name: str) -> str:
        """Make a tag; return its spelling, which is the first one that it was ever given."""
        row = self._database.row("SELECT name FROM tags WHERE name = ? COLLATE NOCASE", (name,))
        if row is not None:
            return str(row["name"])
        self._database.change("INSERT INTO tags (name) VALUES (?)", (name,))
        return name

    def remove(self, name: str) -> None:
        """Delete a tag and take it off everything."""
        self._database.change("DELETE FROM taggings WHERE tag = ?", (name,))
        self._database.change("DELETE FROM tags WHERE name = ?", (name,))

    def put_on(self, resource_type: str, resource_id: str, names: Iterable[str]) -> None:
        """Put tags on a resource; tags that are missing are made."""
        for name in names:
            self._database.change(
                "INSERT OR IGNORE INTO taggings (resource_type, resource_id, tag) VALUES (?, ?, ?)",
                (resource_type, resource_id, self.add(name)),
            )

    def take_off(self, resource_type: str, resource_id: str, name: str) -> None:
        """Take one tag off a resource."""
        self._database.change(
            "DELETE FROM taggings WHERE resource_type = ? AND resource_id = ? AND tag = ?",
            (resource_type, resource_id, name),
        )

    def forget(self, resource_type: str, resource_id: str) -> None:
        """Take all tags off a resource that is gone."""
        self._database.change(
            "DELETE FROM taggings WHERE resource_type = ? AND resource_id = ?", (resource_type, resource_id)
        )
