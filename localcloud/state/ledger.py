"""The ledger: every effect, in the transaction that made it, and every request, a moment later.

Requests are kept in memory until the next change or flush, so that a read costs no transaction; a kill may lose the
last reads, never an effect.
"""

import json
from dataclasses import dataclass

from localcloud.state.database import Database, Row, Value

KEEP_REQUESTS = 200_000
WRITE_BEHIND = 500  # requests that may wait in memory


@dataclass(frozen=True)
class Request:
    """One answered request. ``status`` 0 means that the connection was dropped without an answer."""

    at: float
    request_id: str
    method: str
    path: str
    query: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Effect:
    """One change of the cloud's state, in the order of ``seq``."""

    seq: int
    at: float
    request_id: str
    kind: str
    subject: str
    detail: dict[str, Value]


class Ledger:
    """What was asked and what was done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Request] = []

    def effect(self, at: float, request_id: str, kind: str, subject: str, **detail: Value) -> None:
        """Write down one effect; call it in the transaction that has the effect."""
        self._database.change(
            "INSERT INTO effects (at, request_id, kind, subject, detail) VALUES (?, ?, ?, ?, ?)",
            (at, request_id, kind, subject, json.dumps(detail)),
        )

    def request(self, request: Request) -> None:
        """Take note of an answered request."""
        self._waiting.append(request)
        if len(self._waiting) >= WRITE_BEHIND:
            self.flush()

    def flush(self) -> None:
        """Write the requests that still wait in memory, and forget the oldest beyond what is kept."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        with self._database.transaction():
            self._database.change_many(
                "INSERT INTO requests (at, request_id, method, path, query, status, seconds)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(r.at, r.request_id, r.method, r.path, r.query, r.status, r.seconds) for r in waiting],
            )
            self._database.change(
                "DELETE FROM requests WHERE seq <= (SELECT MAX(seq) FROM requests) - ?", (KEEP_REQUESTS,)
            )

    def effects(self, kind: str | None = None, subject: str | None = None, after: int = 0) -> list[Effect]:
        """Return the effects after a ``seq``, in order, of one kind or on one subject if asked."""
        rows = self._database.rows(
            "SELECT * FROM effects WHERE seq > ? AND (? IS NULL OR kind = ?) AND (? IS NULL OR subject = ?)"
            " ORDER BY seq",
            (after, kind, kind, subject, subject),
        )
        return [_effect(row) for row in rows]

    def last_effect(self) -> int:
        """Return the ``seq`` of the newest effect, 0 if there is none."""
        return self._database.number("SELECT COALESCE(MAX(seq), 0) FROM effects")

    def requests(self, method: str | None = None, path: str | None = None, after: int = 0) -> list[tuple[int, Request]]:
        """Return the requests after a ``seq`` with their ``seq``, in order; ``path`` may hold ``*``."""
        self.flush()
        rows = self._database.rows(
            "SELECT * FROM requests WHERE seq > ? AND (? IS NULL OR method = ?) AND (? IS NULL OR path GLOB ?)"
            " ORDER BY seq",
            (after, method, method, path, path),
        )
        return [(row["seq"], _request(row)) for row in rows]

    def clear(self) -> None:
        """Forget everything."""
        self._waiting = []
        with self._database.transaction():
            self._database.change("DELETE FROM effects")
            self._database.change("DELETE FROM requests")


def _effect(row: Row) -> Effect:
    detail = json.loads(row["detail"])
    return Effect(row["seq"], row["at"], row["request_id"], row["kind"], row["subject"], detail)


def _request(row: Row) -> Request:
    columns = ("at", "request_id", "method", "path", "query", "status", "seconds")
    return Request(*(row[column] for column in columns))
