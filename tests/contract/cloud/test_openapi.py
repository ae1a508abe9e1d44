"""The embedded cloud against the published contract: many requests, each path, and what one reply leads to.

``openapi.json`` is the block-storage part of DigitalOcean's published OpenAPI. It has no links between operations, so
those that a client follows (a volume's id leads to its actions) are added here, for the stateful phase; and what is
sent is narrowed to what the prose of the API documentation allows, so that more than refusals is seen. What is expected
of the replies stays as published.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue, TypeAdapter

from tools.processes.run import run_python
from tools.services.localcloud import Process, client

CONTRACT = Path(__file__).with_name("openapi.json")
SEED = 20261124
EXAMPLES = int(os.environ.get("AIOCSI_TEST_EXAMPLES", "10"))  # per operation
CHECKS = (  # what the original accepts and refuses is more than the contract says: no check of that
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "use_after_free",
    "ensure_resource_availability",
)

CONFIG = """
[phases.coverage]
unexpected-methods = []  # the cloud has more methods than this part of the contract: DELETE of a droplet works
"""

Document = TypeAdapter(dict[str, JsonValue])


PROSE: dict[str, JsonValue] = {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,20}$"},
    "volume_name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,20}$"},
    "size_gigabytes": {"type": "integer", "minimum": 1, "maximum": 16384},
    "droplet_id": {"type": "integer", "enum": [410000001, 410000002]},
    "region": {"type": "string", "enum": ["nyc1", "fra1"]},
    "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-zA-Z0-9_:-]{1,30}$"}, "nullable": True},
    "snapshot_id": {"type": "string", "maxLength": 0},  # the empty one is none, and a real one can't be guessed
}


def link(operation: str, **parameters: str) -> JsonValue:
    return {"operationId": operation, "parameters": {name: f"$response.body#{at}" for name, at in parameters.items()}}


VOLUME, SNAPSHOT, TAG = "/volume/id", "/snapshot/id", "/tag/name"
LINKS: dict[tuple[str, str, str], dict[str, JsonValue]] = {
    ("/v2/volumes", "post", "201"): {
        "get": link("volumes_get", volume_id=VOLUME),
        "delete": link("volumes_delete", volume_id=VOLUME),
        "act": link("volumeActions_post_byId", volume_id=VOLUME),
        "actions": link("volumeActions_list", volume_id=VOLUME),
        "snapshot": link("volumeSnapshots_create", volume_id=VOLUME),
        "snapshots": link("volumeSnapshots_list", volume_id=VOLUME),
        "delete_by_name": link("volumes_delete_byName", name="/volume/name", region="/volume/region/slug"),
    },
    ("/v2/volumes/{volume_id}/actions", "post", "202"): {"get": link("actions_get", action_id="/action/id")},
    ("/v2/volumes/{volume_id}/snapshots", "post", "201"): {
        "get": link("snapshots_get", snapshot_id=SNAPSHOT),
        "get_by_volume": link("volumeSnapshots_get_byId", snapshot_id=SNAPSHOT),
        "delete": link("snapshots_delete", snapshot_id=SNAPSHOT),
    },
    ("/v2/tags", "post", "201"): {
        "put_on": link("tags_assign_resources", tag_id=TAG),
        "take_off": link("tags_unassign_resources", tag_id=TAG),
    },
}


def narrow(schema: JsonValue) -> None:
    """Narrow the properties of a request's schema, however deep they are."""
    if isinstance(schema, list):
        for part in schema:
            narrow(part)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            for name in properties.keys() & PROSE.keys():
                properties[name] = PROSE[name]
        for part in schema.values():
            narrow(part)


def request_bodies(paths: JsonValue) -> Iterator[JsonValue]:
    """Yield what is said of each operation's body."""
    assert isinstance(paths, dict)
    for operations in paths.values():
        assert isinstance(operations, dict)
        for operation in operations.values():
            assert isinstance(operation, dict)
            yield operation.get("requestBody")


def linked_contract() -> dict[str, JsonValue]:
    """Return the contract with links."""
    document = Document.validate_json(CONTRACT.read_bytes())
    for (path, method, status), links in LINKS.items():
        at: JsonValue = document
        for key in ("paths", path, method, "responses", status):
            assert isinstance(at, dict)
            at = at[key]
        assert isinstance(at, dict)
        at["links"] = links
    for body in request_bodies(document["paths"]):
        narrow(body)
    return document


async def kinds_of_effects(process: Process) -> set[object]:
    async with client(process) as api:
        return {each["kind"] for each in (await api.ask("GET", "/_localcloud/ledger/effects")).parts("effects")}


@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_nothing_that_the_cloud_answers_violates_the_contract(tmp_path: Path) -> None:
    schema = tmp_path / "linked.json"
    schema.write_text(json.dumps(linked_contract()))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    options = ("--disks=none", "--action-latency=0", "--snapshot-interval=0")
    with Process(tmp_path / "state", *options) as process:
        argv = [
            "run",
            str(schema),
            f"--url={process.ready.address}",
            "-H",
            f"Authorization: Bearer {process.ready.token}",
        ]
        argv += [f"--seed={SEED}", f"--max-examples={EXAMPLES}", "--no-color"]
        argv += ["--phases=examples,coverage,fuzzing,stateful", f"--checks={','.join(CHECKS)}"]
        printed = run_python("schemathesis.cli", *argv, seconds=540, cwd=tmp_path)
        effects = await kinds_of_effects(process)
    assert effects >= {"volume_created", "action_started", "snapshot_created", "tag_created"}, effects
    assert "Tested: 26" in printed
