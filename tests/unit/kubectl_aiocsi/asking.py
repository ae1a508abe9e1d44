"""Ask the plugin, as a person does in a pipe."""

import io
import json
from dataclasses import dataclass
from typing import cast

from kubectl_aiocsi.__main__ import RUN
from kubectl_aiocsi.options import parse
from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from kubectl_aiocsi.terminal import terminal
from tests.unit.kubectl_aiocsi.api_server import ApiServer

LINKS = {"claim", "volume", "attachment", "server", "device", "mount", "driver", "node"}


@dataclass(frozen=True)
class Answer:
    """What came of it."""

    status: int
    text: str
    errors: str = ""

    @property
    def json(self) -> Object:
        """The answer as JSON."""
        return Object(cast("Json", json.loads(self.text)))

    def broken(self) -> list[tuple[str, str]]:
        """Link and cause of the first broken link of each chain."""
        assert {link.text("link") for each in self.json.each("chains") for link in each.each("links")} <= LINKS
        return [
            (link.text("link"), link.text("cause"))
            for each in self.json.each("chains")
            for link in each.each("links")
            if link.text("link") == each.text("broken")
        ]

    def states(self) -> list[str]:
        """The states of the links of all chains."""
        return [link.text("state") for each in self.json.each("chains") for link in each.each("links")]

    def found(self) -> dict[str, str]:
        """What the checks have found first, by id."""
        with_findings = [each for each in self.json.each("checks") if each.each("findings")]
        return {each.text("id"): each.each("findings")[0].text("said") for each in with_findings}


async def ask(server: ApiServer, *words: str, colour: str = "never") -> Answer:
    """Return what the plugin answers."""
    out, err = io.StringIO(), io.StringIO()
    options = parse(words)
    status = await RUN[options.verb](server.api(), options, DEFAULT_DRIVER, terminal(colour, out, err))
    return Answer(status, out.getvalue(), err.getvalue())
