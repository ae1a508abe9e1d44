"""What the harness asks of localcloud over HTTP: its ledger of requests, its droplets, the volumes it holds."""

import asyncio
import http.client
import json
from dataclasses import dataclass

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

_SECONDS = 10.0


class CloudAnswered(Exception):
    """localcloud answered with something else than success."""


@dataclass(frozen=True)
class EmbeddedCloud:
    """A running localcloud: its address (``host:port``) and its token."""

    address: str
    token: str

    @property
    def url(self) -> str:
        """The root of its API, as in AIOCSI_API_URL."""
        return f"http://{self.address}/"

    def metadata_url(self, droplet_id: int) -> str:
        """The metadata service as that droplet sees it, as in AIOCSI_METADATA_URL."""
        return f"{self.url}_localcloud/droplets/{droplet_id}/"

    async def get(self, path: str) -> Json:
        """Return the JSON at ``path``. Raises CloudAnswered, or OSError."""
        return await asyncio.to_thread(self._request, "GET", path)

    async def send(self, method: str, path: str, body: Json = None) -> Json:
        """Send ``body`` and return the JSON of the reply. Raises CloudAnswered, or OSError."""
        return await asyncio.to_thread(self._request, method, path, body)

    async def volumes(self) -> list[dict[str, Json]]:
        """Return every volume of the account, as the API shows it."""
        return objects(await self.get("/v2/volumes?per_page=200"), "volumes")

    def _request(self, method: str, path: str, body: Json = None) -> Json:
        connection = http.client.HTTPConnection(self.address, timeout=_SECONDS)
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
