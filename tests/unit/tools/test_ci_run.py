"""What must pass before a change lands, played with a ``make`` that only notes what it was asked for."""

import shutil
from pathlib import Path

import pytest

from tools.processes.run import ROOT, ToolFailed, run

MAKE = """\
#!/bin/bash
cd "$NOTES"
trap 'echo "ended $1" >>asked; exit 1' TERM
echo "$1" >>asked
case $1 in
e2e-missing) echo "$LACKS"; [ -n "$LACKS" ] ;;
e2e-programs) echo $$ >builder; sleep 60 & wait $! ;;
faults-real)
    [ "$THIRD" != "is told to stop" ] || { sleep 60 & wait $!; }
    echo "told beside"
    [ "$BESIDE" = passes ] ;;
e2e-third)
    until [ -s builder ]; do sleep 0.05; done
    [ "$THIRD" != "is told to stop" ] || { kill -TERM "$(ps -o ppid= -p $PPID | tr -d ' ')"; sleep 60 & wait $!; }
    [ "$THIRD" = passes ] ;;
esac
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A tree with nothing in it but ``.ci/run``, and the stand-in for ``make``."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "make").write_text(MAKE)
    (tmp_path / "make").chmod(0o755)
    return tmp_path


def played(notes: Path, *arguments: str, third: str = "passes", beside: str = "passes", lacks: str = "") -> str:
    environment = {
        "BESIDE": beside,
        "PATH": f"{notes}:/usr/sbin:/usr/bin:/sbin:/bin",
        "NOTES": str(notes),
        "THIRD": third,
        "LACKS": lacks,
    }
    return run(str(notes / ".ci" / "run"), *arguments, environment=environment, seconds=30)


def builder_runs(notes: Path) -> bool:
    return Path("/proc", (notes / "builder").read_text().strip()).exists()


def test_all_phases_pass_and_neither_cluster_nor_builder_is_left(notes: Path) -> None:
    assert played(notes).splitlines()[-1].endswith(" passed, 0 left out, 0 failed")
    assert "e2e-down" in (notes / "asked").read_text().split()
    assert not builder_runs(notes)


@pytest.mark.parametrize("argument", ["--help", "test"])
def test_an_argument_is_refused_before_anything_runs(notes: Path, argument: str) -> None:
    with pytest.raises(ToolFailed, match=r"usage: \.ci/run, without arguments"):
        played(notes, argument)
    assert not (notes / "asked").exists()


def test_one_phase_that_fails_fails_the_run(notes: Path) -> None:
    with pytest.raises(ToolFailed, match=r"make e2e-third: FAILED .*\n.*\n.*\n.* 1 failed"):
        played(notes, third="fails")
    assert "e2e-down" in (notes / "asked").read_text().split()


def test_a_phase_beside_others_is_waited_for_and_fails_the_run_too(notes: Path) -> None:
    with pytest.raises(ToolFailed, match=r"told beside\n==== make faults-real: FAILED (.*\n)+.* 1 failed"):
        played(notes, beside="fails")


def test_a_machine_that_can_have_no_cluster_is_told_so_and_passes(notes: Path) -> None:
    told = played(notes, lacks="overlayfs")
    assert "make e2e-third: LEFT OUT, this machine has no overlayfs" in told
    assert told.splitlines()[-1].endswith(" 1 left out, 0 failed")


def test_a_run_that_is_told_to_stop_ends_its_phase_first_and_removes_the_cluster_last(notes: Path) -> None:
    with pytest.raises(ToolFailed):
        played(notes, third="is told to stop")
    asked = (notes / "asked").read_text().splitlines()
    phases = sorted(map(asked.index, ("ended e2e-third", "ended faults-real")))
    assert phases[-1] < asked.index("ended e2e-programs") < asked.index("e2e-down")
    assert not builder_runs(notes)
