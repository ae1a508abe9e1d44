"""Routes of faults below /_localcloud/faults: see what is on, turn on, turn off."""

from aiohttp import web
from pydantic import BaseModel

from localcloud import api_errors
from localcloud.api import reading, writing
from localcloud.cloud import Cloud
from localcloud.faults.faults import Fault
from localcloud.faults.rules import Rule


class FaultJson(BaseModel, frozen=True):
    """A fault that is on: its rule, how often it was met, and how often it struck."""

    id: int
    rule: Rule
    matches: int
    strikes: int


class FaultRoutes:
    """GET, POST and DELETE of faults."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_localcloud/faults", self.list),
            web.post("/_localcloud/faults", self.add),
            web.delete("/_localcloud/faults", self.clear),
            web.delete("/_localcloud/faults/{fault_id}", self.remove),
        ]

    async def list(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler gets the request)
        """Answer with the faults that are on."""
        return writing.plain({"faults": [fault_json(fault) for fault in self._cloud.faults.all()]})

    async def add(self, request: web.Request) -> web.Response:
        """Turn a fault on."""
        fault = self._cloud.faults.add(await reading.body(request, Rule))
        self._cloud.database.tell()
        return writing.plain(fault_json(fault))

    async def clear(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler gets the request)
        """Turn all faults off."""
        self._cloud.faults.clear()
        self._cloud.database.tell()
        return writing.nothing()

    async def remove(self, request: web.Request) -> web.Response:
        """Turn one fault off."""
        if not self._cloud.faults.remove(reading.number_in_path(request, "fault_id")):
            raise api_errors.not_found()
        self._cloud.database.tell()
        return writing.nothing()


def fault_json(fault: Fault) -> FaultJson:
    """Return a fault's JSON."""
    return FaultJson(id=fault.id, rule=fault.rule, matches=fault.matches, strikes=fault.strikes)
