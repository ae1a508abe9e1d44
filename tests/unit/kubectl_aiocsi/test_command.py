"""The command: its words, exit statuses, progress, colours, and what a shell completes."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kubectl_aiocsi import __main__, completion
from kubectl_aiocsi.options import USAGE, UsageError, named
from kubectl_aiocsi.records import CLAIMS, DEFAULT_DRIVER, NODES, PODS, VOLUMES, Kind, moment
from kubectl_aiocsi.terminal import Terminal, ago, terminal
from tests.unit.kubectl_aiocsi.world import healthy, made, now


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def unreachable(tmp_path: Path) -> str:
    """A kubeconfig of a cluster that nobody serves."""
    file = tmp_path / "kubeconfig"
    config = {
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
        "current-context": "here",
    }
    file.write_text(json.dumps(config))
    return str(file)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["web"], (PODS, "web")),
        (["pod", "web"], (PODS, "web")),
        (["pvc/orders"], (CLAIMS, "orders")),
        (["PV", "x"], (VOLUMES, "x")),
        (["no/one"], (NODES, "one")),
    ],
)
def test_an_object_is_named_as_for_kubectl(words: list[str], meant: tuple[Kind, str]) -> None:
    assert named(words) == meant


@pytest.mark.parametrize("words", [["service", "web"], ["pod", "a", "b"], ["pvc/"]])
def test_what_names_no_object_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        named(words)


@pytest.mark.parametrize("words", [["why", "service/web"], ["why"], ["nonsense"], ["doctor", "-o", "yaml"], []])
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


def test_progress_is_for_terminals_and_is_taken_away() -> None:
    screen, pipe = Screen(), io.StringIO()
    for shown in (terminal("auto", pipe, screen), terminal("auto", screen, pipe)):
        shown.step("reading pods")
        shown.done()
    assert screen.getvalue().endswith("\r\x1b[K")
    assert pipe.getvalue() == ""


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def coloured(shown: Terminal) -> bool:
        return "\x1b" in shown.paint("text", "red")

    assert coloured(terminal("auto", Screen(), io.StringIO()))
    assert not coloured(terminal("auto", io.StringIO(), io.StringIO()))
    assert not coloured(terminal("never", Screen(), io.StringIO()))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(terminal("auto", Screen(), io.StringIO()))
    assert coloured(terminal("always", io.StringIO(), io.StringIO()))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0s"), (179, "179s"), (181, "3m"), (10801, "3h"), (172801, "2d"), (-5, "0s")]
)
def test_an_age_is_told_as_kubectl_tells_it(seconds: int, told: str) -> None:
    assert ago(now() - timedelta(seconds=seconds), now()) == told
    assert ago(None, now()) == ""


def test_a_text_that_is_no_time_is_none() -> None:
    assert moment("yesterday") is None


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch, unreachable: str) -> Iterator[None]:
    monkeypatch.setenv("KUBECONFIG", unreachable)
    return iter(())


@pytest.mark.usefixtures("completed")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["do"], ["doctor\tcheck the driver and every volume of it"]),
        (["completion", "z"], ["zsh"]),
        (["why", "p"], ["pod", "pvc", "pv"]),
        (["why", "pvc", ""], []),
        (["why", "pod/w"], []),
        (["why", "web", ""], []),
        (["doctor", "-o", "j"], ["json"]),
        (["doctor", "--co"], ["--color", "--context"]),
        (["doctor", ""], []),
    ],
)
def test_a_shell_is_offered_what_may_follow(words: list[str], offered: list[str]) -> None:
    assert completion.candidates(words) == offered


def test_kubectl_is_told_to_offer_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert completion.main(["doc"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0].split("\t")[0], lines[-1]) == ("doctor", ":4")


def test_how_to_complete_is_printed_for_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out == "source <(kubectl completion zsh)\n"
