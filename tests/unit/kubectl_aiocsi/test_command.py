"""The command: its exit statuses, and what it prints."""

import sys
from contextlib import suppress
from pathlib import Path

import pytest

from kubectl_aiocsi import __main__
from kubectl_aiocsi.options import USAGE
from kubectl_aiocsi.records import DEFAULT_DRIVER, moment
from tests.unit.kubectl_aiocsi.world import healthy, made

WRONG = [["why", "service/web"], ["why"], ["nonsense"], ["doctor", "-o", "yaml"], []]
ODD_NAMES = [["why", "pod", "../secrets/x"], ["why", "x?watch=true"], ["why", "pvc/"], ["doctor", "-n", "a/b"]]


@pytest.mark.parametrize("words", [*WRONG, *ODD_NAMES])
def test_a_wrong_command_has_a_status_that_no_answer_has(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = __main__.main(words)
    except SystemExit as end:
        status = end.code
    assert status == USAGE
    assert "kubectl aiocsi" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["why", "doctor"])
def test_a_cluster_that_does_not_answer_is_status_3(
    verb: str, unreachable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [verb, "--kubeconfig", unreachable, *(["web"] if verb == "why" else [])]
    assert __main__.main(words) == 3
    assert "127.0.0.1" in capsys.readouterr().err


def test_an_answer_that_cannot_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stdout", full)
        status = __main__.main(["doctor", "--ids"])
        with suppress(OSError):
            full.close()
    assert status == 3
    assert "cannot be written: No space left on device" in capsys.readouterr().err


def test_a_context_that_is_not_there_is_named(unreachable: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["doctor", "--kubeconfig", unreachable, "--context", "other"]) == 3
    assert "other" in capsys.readouterr().err


def test_help_and_version_need_no_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["why", "--help"], ["--version"]):
        with pytest.raises(SystemExit, match="0"):
            __main__.main(words)
    assert "changes nothing" in capsys.readouterr().out.replace("\n", " ")


def test_the_checks_are_listed_without_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["doctor", "--ids"]) == 0
    assert "token-scopes " in capsys.readouterr().out


@pytest.mark.asyncio
async def test_the_driver_that_the_chart_has_installed_is_meant() -> None:
    server = healthy()
    assert await __main__.installed_driver(server.api()) == DEFAULT_DRIVER
    server.drop("csidrivers")
    server.add("csidrivers", made("CSIDriver", "nfs"))
    assert await __main__.installed_driver(server.api()) == DEFAULT_DRIVER
    other = made("CSIDriver", "block.aiocsi.dev")
    other["metadata"] = {"name": "block.aiocsi.dev", "labels": {"aiocsi.dev/driver": "block.aiocsi.dev"}}
    server.add("csidrivers", other)
    assert await __main__.installed_driver(server.api()) == "block.aiocsi.dev"
    server.forbidden.add("csidrivers")
    assert await __main__.installed_driver(server.api()) == DEFAULT_DRIVER


def test_a_text_that_is_no_time_is_none() -> None:
    assert moment("yesterday") is None
