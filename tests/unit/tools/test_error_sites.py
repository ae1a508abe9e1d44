"""Every error has a code, and every code a section that tells what to do."""

import re
from itertools import chain
from pathlib import Path

import pytest

from common import codes as common_codes
from common.codes import ErrorCode
from controller import codes as controller_codes
from node import codes as node_codes
from tools import error_sites, messages
from tools.venv import ROOT
from warden import codes as warden_codes

TABLES: tuple[type[ErrorCode], ...] = (
    common_codes.Code,
    controller_codes.Code,
    node_codes.Code,
    warden_codes.Code,
)
SECTION = re.compile(r"^### (AIOCSI-[GCNW][0-9]{3})\n\n\*\*[^*]+\.\*\* (.+)\n\n- Do: (.+)\n", re.MULTILINE)


def test_every_place_that_makes_an_error_has_a_code() -> None:
    assert list(error_sites.without_code()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param('raise errors.Unavailable("x")', 1, id="says no more than its status"),
        pytest.param('raise errors.Unavailable("x", error_code=Code.X)', 0, id="has a code"),
        pytest.param('raise errors.Busy("x")', 0, id="its class has a code"),
    ],
)
def test_a_place_without_a_code_is_found(tmp_path: Path, source: str, found: int) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "module.py").write_text(f"{source}\n")
    assert list(error_sites.without_code(tmp_path)) == ["node/module.py:1"] * found


def test_every_code_has_one_section_and_every_section_a_code() -> None:
    told = [number for number, _, _ in SECTION.findall((ROOT / "docs/reference/codes.md").read_text())]
    assert sorted(told) == sorted(code.value for code in chain(*TABLES))


def test_every_heading_of_a_code_is_a_whole_section() -> None:
    page = (ROOT / "docs/reference/codes.md").read_text()
    assert page.count("\n### ") == len(SECTION.findall(page))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__module__)
def test_every_code_is_used(table: type[ErrorCode]) -> None:
    package = ROOT / table.__module__.partition(".")[0]
    text = "".join(file.read_text() for file in package.rglob("*.py"))
    assert [code.name for code in table if f"Code.{code.name}" not in text] == []


def test_every_code_has_a_remedy() -> None:
    assert [code.name for code in chain(*TABLES) if not code.remedy.strip()] == []


NAMED = re.compile(
    r"[{<]|\w_\w|[a-z][A-Z]|[A-Z]{4}|--\w|grpc-timeout|"
    r"\b(calls?|caller|driver|request|messages?|cloud|capability|content source|API token|kubeconfig|id)\b"
)


def test_every_message_names_what_it_is_about() -> None:
    """A volume, a path, a setting, a field of the call; what has no name is the call, the driver or the cloud."""
    told = list(messages.every())
    assert [str(each) for each in told if not NAMED.search(each.text)] == []
    assert [each.where for each in told if re.match(r"(it|the volume) (?!capability)", each.text)] == []


def test_every_error_and_finding_says_what_to_do() -> None:
    told = [each for each in messages.every() if each.kind not in {"setting", "event", *messages.COMMANDS}]
    assert [str(each) for each in told if not each.do] == []


def test_the_codes_of_a_service_have_its_letter() -> None:
    assert ["".join({code.value[7] for code in table}) for table in TABLES] == ["G", "C", "N", "W"]
