"""Each breakage is named by its check and by no other, and ``why`` names the broken link."""

import pytest

from kubectl_aiocsi.rules.doctor import CHECKS
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.breakages import BREAKAGES, Breakage
from tests.unit.kubectl_aiocsi.world import healthy

ALL = pytest.mark.parametrize("breakage", BREAKAGES, ids=str)
WITH_LINK = pytest.mark.parametrize("breakage", [each for each in BREAKAGES if each.link], ids=str)
LEVELS = {check.id: check.level for check in CHECKS}


@pytest.mark.asyncio
async def test_a_healthy_cluster_has_no_finding() -> None:
    answer = await ask(healthy(), "doctor", "-o", "json")
    assert (answer.status, answer.json.text("status")) == (0, "OK")
    assert {each.text("status") for each in answer.json.each("checks")} == {"OK"}


@pytest.mark.asyncio
@ALL
async def test_a_breakage_is_named_by_its_check_and_by_no_other(breakage: Breakage) -> None:
    server = healthy()
    breakage.make(server)
    answer = await ask(server, "doctor", "-o", "json")
    assert set(answer.found()) == {breakage.id}, answer.found()
    assert answer.status == LEVELS[breakage.id].value
    findings = [found for each in answer.json.each("checks") for found in each.each("findings")]
    assert all(each.text("said") and each.text("next") for each in findings)


@pytest.mark.asyncio
@WITH_LINK
async def test_the_first_broken_link_is_named(breakage: Breakage) -> None:
    server = healthy()
    breakage.make(server)
    answer = await ask(server, "why", *breakage.asked, "-o", "json")
    assert answer.broken() == [(breakage.link, breakage.cause)], answer.text
    assert answer.status == 1
    broken = [link for each in answer.json.each("chains") for link in each.each("links") if link.text("cause")]
    assert all(link.text("said") and link.text("by") and link.text("next") for link in broken)


def test_every_check_but_that_of_the_version_is_broken_once() -> None:
    assert {check.id for check in CHECKS} - {breakage.id for breakage in BREAKAGES} == {"kubernetes-version"}
