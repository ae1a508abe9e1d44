"""A traced process tells of its effects, and dies right before the one that it was told to die at."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.real.targets import AT_ONCE, MOST_OF_ONE, Target, Targets
from tests.faults.real.traced import DIES, LATER
from tools.processes import traces
from tools.processes.program import Program, until

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30
WORK = """
import os, socket, sqlite3, subprocess, sys
folder = os.environ["HARNESS_RUN"]
open(f"{folder}/pvc-1.part", "w").close()
os.rename(f"{folder}/pvc-1.part", f"{folder}/pvc-1.json")
state = sqlite3.connect(f"{folder}/state", isolation_level=None)
state.execute("CREATE TABLE volumes (id)")
state.execute("BEGIN")
state.execute("INSERT INTO volumes VALUES (1)")
state.execute("COMMIT")
subprocess.run(["sleep", sys.argv[1]], check=True)
near, far = _pair(socket)
near.send(b"POST /v2/volumes/12/actions HTTP/1.1\\r\\n\\r\\n{\\"type\\": \\"attach\\"}")
far.recv(1000)
far.send(b"HTTP/1.1 202 Accepted\\r\\n\\r\\n{}")
near.recv(1000)
"""
PAIR = """
def _pair(socket):
    server = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(server.getsockname())
    return near, server.accept()[0]
"""
EFFECTS = [
    "write /#.part",
    "rename /#.part",
    "sql INSERT INTO volumes",
    "sql COMMIT of INSERT INTO volumes",
    "program sleep",
    "send POST /volumes/#/actions attach",
    "answer 202 to POST /volumes/#/actions attach",
    "receive 202 to POST /volumes/#/actions attach",
]


def live(folder: Path, deaths: str = "", seconds: str = "0") -> tuple[int, list[str]]:
    """Run the work in a traced process; return its exit status and what it told."""
    (folder / "modules").mkdir(exist_ok=True)
    (folder / "modules" / "work_of_a_test.py").write_text(PAIR + WORK)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{folder / 'modules'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HARNESS_RUN": str(folder),
        "FAULTS_EFFECTS": str(folder / "effects"),
        "FAULTS_DEATHS": deaths,
    }
    argv = (sys.executable, "-m", "tests.faults.real.traced", "work_of_a_test", seconds)
    program = Program("work", argv, environment, folder / "log", ROOT)
    program.start()
    try:
        status = asyncio.run(program.ended(SECONDS))
    finally:
        program.kill()
        asyncio.run(until(lambda: None if traces.find(folder).processes else True, SECONDS))  # what it has started
    return status, (folder / "effects").read_text().splitlines()


def test_every_effect_is_told_in_its_order(tmp_path: Path) -> None:
    assert live(tmp_path) == (0, EFFECTS)


@pytest.mark.parametrize("number", range(len(EFFECTS)))
def test_a_process_dies_before_the_effect_and_says_at_which(tmp_path: Path, number: int) -> None:
    status, told = live(tmp_path, f"7 {EFFECTS[0]}\n1 {EFFECTS[number]}")
    assert status == -signal.SIGKILL
    assert told == [*EFFECTS[: number + 1], f"{DIES}1 {EFFECTS[number]}"]
    assert (tmp_path / "pvc-1.json").exists() == (number > EFFECTS.index("rename /#.part"))


def test_a_process_dies_while_its_program_runs(tmp_path: Path) -> None:
    status, told = live(tmp_path, f"1 program sleep{LATER}", seconds="0.5")
    assert (status, told[-1]) == (-signal.SIGKILL, f"{DIES}1 program sleep{LATER}")


def test_every_effect_of_a_life_is_aimed_at_until_a_process_died_there() -> None:
    targets = Targets(seed=1)
    targets.learn_life("node", ["mkdir"] * 10 + ["program mount"])
    aimed: set[Target] = set()
    for _ in range(20):
        wanted = targets.next("node")
        assert len(wanted) <= AT_ONCE
        aimed.update(wanted)
        targets.died(wanted, wanted[-1].death)
    assert targets.open() == []
    assert {each.death for each in aimed} == {
        *(f"{nth + 1} mkdir" for nth in range(MOST_OF_ONE)),
        "1 program mount",
        f"1 program mount{LATER}",
    }


def test_what_did_not_come_in_time_is_aimed_at_again() -> None:
    targets = Targets(seed=1)
    targets.learn_life("node", ["mkdir", "rename"])
    assert not targets.died(targets.next("node"), "")
    assert len(targets.next("node")) == len(targets.open()) == 2
