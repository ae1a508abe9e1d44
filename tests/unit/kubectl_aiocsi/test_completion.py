"""What a shell completes."""

from collections.abc import Iterator

import pytest

from kubectl_aiocsi import __main__, completion


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
