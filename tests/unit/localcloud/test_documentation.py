"""The reference says what the code does."""

from pathlib import Path
from typing import get_args

import pytest

from localcloud.faults.rules import Kind
from localcloud.settings import OPTIONS, PREFIX

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "localcloud.md").read_text()


@pytest.mark.parametrize("name", OPTIONS)
def test_every_setting_is_in_the_reference_with_its_default(name: str) -> None:
    option = OPTIONS[name]
    default = f" `{option.default}` " if option.default else " "
    row = f"| `--{name.replace('_', '-')}` | `{PREFIX}{name.upper()}` |{default}| {option.help} |"
    assert row in PAGE


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_fault_is_in_the_reference(kind: str) -> None:
    assert f"| `{kind}` |" in PAGE
