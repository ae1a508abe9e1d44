"""Each trait of a cloud has a reader outside of the port and of the cloud: one without is a claim, not data."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from common.clouds.facts import CloudFacts, DiskIdentity
from controller.cloud.traits import Sizes, SnapshotLimits, TextRule, Traits

ROOT = Path(__file__).parents[3]
OWN = ("controller/cloud/", "controller/digitalocean/", "common/clouds/")


def read_attributes() -> set[str]:
    """Return the names of all attributes that production code reads outside of the clouds themselves."""
    sources = [each for package in ("common", "controller", "node") for each in (ROOT / package).rglob("*.py")]
    readers = [each for each in sources if not str(each.relative_to(ROOT)).startswith(OWN)]
    nodes = (node for each in readers for node in ast.walk(ast.parse(each.read_text())))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}


@pytest.mark.parametrize("record", [DiskIdentity, Traits, Sizes, SnapshotLimits, CloudFacts, TextRule])
def test_each_trait_has_a_reader(record: type) -> None:
    read = read_attributes() | {"first", "others", "longest", "by_id"}  # read by TextRule.accepts and DiskIdentity.told
    assert {field.name for field in fields(record)} - read == set()
