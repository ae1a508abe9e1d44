"""What neither ruff nor import-linter sees: methods of a loop, names of classes, I/O without an import."""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRIVER = ("common", "controller", "node", "warden")
WITH_PLUGIN = (*DRIVER, "kubectl_aiocsi")

DOORS = {  # what starts a task, a thread or a program: where it may stand, and why
    "create_task": {
        "common/tasks.py": "the one place that starts a task",
        "common/grpc_calls.py": "a call's task is grpclib's, which cancels it by its stream",
    },
    "ensure_future": {"node/host/command.py": "the end of a program, which outlives the call"},
    "create_subprocess_exec": {"node/host/command.py": "the one place that starts a program"},
    "start_new_thread": {"node/host/threads.py": "the one place that starts a thread"},
    "TaskGroup": {},
    "Thread": {},
    "ThreadPoolExecutor": {},
    "ProcessPoolExecutor": {},
    "to_thread": {},
    "run_in_executor": {},
    "subprocess_exec": {},
    "subprocess_shell": {},
    "create_subprocess_shell": {},
    "posix_spawn": {},
    "posix_spawnp": {},
    "fork": {},
    "forkpty": {},
    "execv": {},
    "execve": {},
    "execvp": {},
    "system": {},
    "popen": {},
}

BESIDE = {  # what runs a process beside itself, and is not tools.processes.program.Program: why
    "benchmarks/start_up.py": "the program writes what is measured to its stderr, into a file that it inherits",
    "localcloud/guests/guest_agent.py": "runs in a droplet, on a bare Python",
    "localcloud/guests/processes.py": "the embedded cloud imports nothing of ours: its one wrapper",
    "localcloud/pytest_plugin.py": "runs in the tests of others, with nothing of ours but the embedded cloud",
    "node/host/command.py": "the node's one wrapper: with deadlines, and awaited",
    "tests/e2e/cluster/background.py": "outlives the command that starts it: the next one ends it by its pid file",
    "tests/harness/forks.py": "forks of one process, which is told over a pipe when: hundreds of starts a minute",
    "tests/harness/tutorial.py": "one shell, which is told each line over a pipe",
    "tests/integration/node/killpoints.py": "a fork of the test itself for each kill point",
    "tests/unit/e2e/test_background.py": "proves what becomes of a child when its parent has gone",
    "tests/unit/tools/processes/test_traces.py": "proves what is found of a process that nobody waits for",
    "tests/vm/encryption/lives.py": "runs in a droplet: forks for each kill point",
    "tools/guest/droplets.py": "shares its terminal with the embedded cloud, which takes Ctrl-C by itself",
    "tools/processes/program.py": "the wrapper",
    "tools/processes/reaper.py": "outlives the run that it cleans up after",
}
STARTS = {"subprocess.Popen", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "os.fork"}

PURE = [
    "common/capability.py",
    "common/clouds",
    "common/codes.py",
    "common/context_keys.py",
    "common/drift.py",
    "common/drift_records.py",
    "common/encryption.py",
    "common/errors.py",
    "common/format_parameters.py",
    "common/mount_flags.py",
    "common/printable.py",
    "common/request_memory.py",
    "common/sizes.py",
    "controller/rules",
    "kubectl_aiocsi/records.py",
    "kubectl_aiocsi/rules",
    "node/formats",
    "node/records",
    "node/rules",
    "warden/records.py",
    "warden/rules",
]
IMPURE_BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}


def sources(*places: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield path and syntax tree of each module."""
    for place in places:
        path = ROOT / place
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield str(each.relative_to(ROOT)), ast.parse(each.read_text(encoding="utf-8"))


def names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every name, attribute and imported name, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.lineno) for alias in node.names)


def test_tasks_threads_and_programs_are_started_where_it_is_said() -> None:
    found = [
        f"{path}:{line}: {name}"
        for path, tree in sources(*WITH_PLUGIN)
        for name, line in names(tree)
        if name in DOORS and path not in DOORS[name]
    ]
    assert found == []


def test_every_door_that_is_allowed_is_used() -> None:
    used = {(name, path) for path, tree in sources(*DRIVER) for name, _ in names(tree)}
    assert [(name, path) for name, places in DOORS.items() for path in places if (name, path) not in used] == []


def test_what_runs_a_process_beside_itself_uses_the_one_wrapper_or_says_why() -> None:
    places = (*WITH_PLUGIN, "benchmarks", "localcloud", "takeover", "tests", "tools")
    calls = ((path, node) for path, tree in sources(*places) for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = {path for path, call in calls if ast.unparse(call.func) in STARTS}
    assert sorted(found) == sorted(BESIDE)


EACH_HAS_ITS_OWN = {"Code"}  # of a package, in its module codes: no module imports two of them


def test_a_class_name_stands_for_one_class() -> None:
    classes = Counter(
        node.name for _, tree in sources(*DRIVER) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in classes.items() if times > 1 and name not in EACH_HAS_ITS_OWN] == []


def test_what_is_pure_is_the_same_for_imports_for_coverage_and_for_mutations() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (modules,) = (each["source_modules"] for each in contracts if each["name"].startswith("Decisions and readers"))
    assert [place.removesuffix(".py").replace("/", ".") for place in PURE] == modules


@pytest.mark.parametrize("place", PURE)
def test_what_is_pure_does_no_io_without_an_import(place: str) -> None:
    found = [
        f"{path}:{node.lineno}: {node.func.id}"
        for path, tree in sources(place)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS
    ]
    assert found == []


@pytest.mark.parametrize("place", PURE)
def test_what_is_pure_knows_paths_as_texts_alone(place: str) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources(place)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name == "pathlib" for alias in node.names))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "pathlib"
            and any(alias.name != "PurePosixPath" for alias in node.names)
        )
    ]
    assert found == []
