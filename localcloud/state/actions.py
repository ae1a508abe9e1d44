"""Actions: what is under way, and what was done."""

from dataclasses import dataclass
from typing import Literal

from localcloud.state.database import Database, Row
from localcloud.state.paging import Page, Slice

Kind = Literal["attach_volume", "detach_volume", "resize_volume", "power_off", "power_on", "destroy"]
Plan = Literal["completed", "errored", "droplet_vanishes"]  # how it will end, which only faults change
Status = Literal["in-progress", "completed", "errored"]
Shown = Literal["as_it_is", "in_progress", "never"]  # how the API shows it, which only faults change


@dataclass(frozen=True)
class Action:
    """One action. Times are seconds since 1970; ``ends_at`` of an action that never ends is None."""

    id: int
    kind: Kind
    status: Status
    volume_id: str | None
    droplet_id: int | None
    size_gib: int | None
    region: str
    started_at: float
    ends_at: float | None
    completed_at: float | None = None
    plan: Plan = "completed"
    shown: Shown = "as_it_is"


class Actions:
    """The table of actions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, action_id: int) -> Action | None:
        """Return the action of that id."""
        row = self._database.row("SELECT * FROM actions WHERE id = ?", (action_id,))
        return None if row is None else _record(row)

    def visible(self, action_id: int) -> Action | None:
        """Return the action of that id, unless the API has forgotten it."""
        action = self.get(action_id)
        return None if action is None or action.shown == "never" else action

    def page(self, asked: Slice, volume_id: str | None = None, *, of_volumes: bool = True) -> Page[Action]:
        """Return a page of the actions of a volume, or of all, or of all but the volumes'; newest first."""
        where, values = "WHERE shown != 'never'", () if volume_id is None else (volume_id,)
        where += " AND volume_id = ?" if values else ""
        if not of_volumes:
            where += " AND volume_id IS NULL"
        total = self._database.number(f"SELECT COUNT(*) FROM actions {where}", values)  # noqa: S608 (fixed texts)
        sql = f"SELECT * FROM actions {where} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608 (fixed texts)
        rows = self._database.rows(sql, (*values, asked.per_page, asked.offset))
        return Page(tuple(map(_record, rows)), total)

    def under_way(self) -> list[Action]:
        """Return the actions that are in progress, oldest first."""
        rows = self._database.rows("SELECT * FROM actions WHERE status = 'in-progress' ORDER BY id")
        return [_record(row) for row in rows]

    def of_volume_under_way(self, volume_id: str) -> Action | None:
        """Return the action of that volume that is in progress; there is one at most."""
        row = self._database.row("SELECT * FROM actions WHERE status = 'in-progress' AND volume_id = ?", (volume_id,))
        return None if row is None else _record(row)

    def of_droplet_under_way(self, droplet_id: int) -> list[Action]:
        """Return the attaches and detaches in progress that need the droplet; a resize goes on without it."""
        sql = (
            "SELECT * FROM actions WHERE status = 'in-progress' AND droplet_id = ?"
            " AND type IN ('attach_volume', 'detach_volume') ORDER BY id"
        )
        return [_record(row) for row in self._database.rows(sql, (droplet_id,))]

    def is_volume_busy(self, volume_id: str) -> bool:
        """Say whether an action of that volume is in progress."""
        return self.of_volume_under_way(volume_id) is not None

    def is_droplet_busy(self, droplet_id: int) -> bool:
        """Say whether an action of that droplet is in progress."""
        sql = "SELECT 1 FROM actions WHERE status = 'in-progress' AND droplet_id = ?"
        return self._database.row(sql, (droplet_id,)) is not None

    def add(self, action: Action) -> Action:
        """Insert an action (its id is given by the table); return it with its id."""
        action_id = self._database.change(
            "INSERT INTO actions (type, status, volume_id, droplet_id, size_gib, region, started_at, ends_at,"
            " completed_at, plan, shown) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                action.kind,
                action.status,
                action.volume_id,
                action.droplet_id,
                action.size_gib,
                action.region,
                action.started_at,
                action.ends_at,
                action.completed_at,
                action.plan,
                action.shown,
            ),
        )
        return Action(**{**action.__dict__, "id": action_id})

    def end(self, action_id: int, status: Status, completed_at: float) -> None:
        """Write down how an action ended."""
        self._database.change(
            "UPDATE actions SET status = ?, completed_at = ? WHERE id = ?", (status, completed_at, action_id)
        )


def _record(row: Row) -> Action:
    return Action(
        id=row["id"],
        kind=row["type"],
        status=row["status"],
        volume_id=row["volume_id"],
        droplet_id=row["droplet_id"],
        size_gib=row["size_gib"],
        region=row["region"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
        completed_at=row["completed_at"],
        plan=row["plan"],
        shown=row["shown"],
    )
