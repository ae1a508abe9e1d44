"""What the harness asks of localcloud over HTTP: its ledger of requests, its droplets, the volumes it holds."""

import asyncio
import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

OUR_LOOK = "per_page=199"
"""The query with which the harness reads the volumes; no driver asks so, and the ledger tells the two apart by it."""

_SECONDS = 30.0


class CloudAnswered(Exception):
    """localcloud answered with something else than success."""


@dataclass(frozen=True)
class Droplet:
    """A machine of the cloud: its id, its metadata service, and the folder in which its devices appear."""

    id: int
    metadata_url: str
    device_dir: Path


@dataclass(frozen=True)
class EmbeddedCloud:
    """A running localcloud, as its ready line tells of it: the root of its API, its token, its droplets."""

    url: str
    token: str
    droplets: tuple[Droplet, ...]

    @classmethod
    def parse(cls, ready_line: str) -> Self:
        """Read the line that localcloud prints when it is ready."""
        ready = json.loads(ready_line)
        droplets = [Droplet(each["id"], each["metadata_url"], Path(each["device_dir"])) for each in ready["droplets"]]
        return cls(ready["address"], ready["token"], tuple(droplets))

    async def get(self, path: str) -> Json:
        """Return the JSON at ``path``. Raises CloudAnswered, or OSError."""
        return await asyncio.to_thread(self._request, "GET", path)

    async def send(self, method: str, path: str, body: Json = None) -> Json:
        """Send ``body`` and return the JSON of the reply. Raises CloudAnswered, or OSError."""
        return await asyncio.to_thread(self._request, method, path, body)

    async def volumes(self) -> list[dict[str, Json]]:
        """Return every volume of the account, as the API shows it."""
        return objects(await self.get(f"/v2/volumes?{OUR_LOOK}"), "volumes")

    def _request(self, method: str, path: str, body: Json = None) -> Json:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=_SECONDS)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 300:
            raise CloudAnswered(f"{method} {path}: {reply.status} {text.decode(errors='replace')}")
        answer: Json = json.loads(text) if text else None
        return answer


def objects(answer: Json, key: str) -> list[dict[str, Json]]:
    """Return the list of objects under ``key`` of a JSON object."""
    assert isinstance(answer, dict), answer
    found = answer[key]
    assert isinstance(found, list), answer
    return [item for item in found if isinstance(item, dict)]
