"""How much memory a program may take."""

import sys
from pathlib import Path

import pytest

from node.host import memory
from node.host.command import Commands

MIB = 1 << 20


def group(root: Path, **files: str) -> Path:
    """A cgroup file system with ``files``, their paths with two underscores for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("memory_max", "memory.max")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "groups", "limit"),
    [
        pytest.param({"memory_max": f"{512 * MIB}\n"}, "0::/\n", 416 * MIB, id="a container's own group"),
        pytest.param({"memory_max": "max\n"}, "0::/\n", 0, id="no limit"),
        pytest.param({"pods__a__memory_max": f"{512 * MIB}"}, "0::/pods/a\n", 416 * MIB, id="seen from the host"),
        pytest.param({}, "0::/pods/a\n", 0, id="nothing to be read"),
        pytest.param({"memory_max": f"{64 * MIB}"}, "0::/\n", 128 * MIB, id="never too little to start"),
        pytest.param(
            {"memory_max": f"{900 * MIB}", "pods__a__memory_max": f"{300 * MIB}"},
            "0::/pods/a\n",
            204 * MIB,
            id="the least of all",
        ),
    ],
)
def test_a_program_may_take_what_the_container_has_less_the_services_share(
    tmp_path: Path, files: dict[str, str], groups: str, limit: int
) -> None:
    of_process = tmp_path / "groups"
    of_process.write_text(groups)
    assert memory.for_programs(group(tmp_path / "fs", **files), of_process) == limit


@pytest.mark.parametrize(("text", "limit"), [(f"{512 * MIB}", 416 * MIB), ("9223372036854771712", 0)])
def test_a_limit_of_version_1_is_read_too(tmp_path: Path, text: str, limit: int) -> None:
    root = tmp_path / "fs"
    (root / "memory/pods").mkdir(parents=True)
    (root / "memory/pods/memory.limit_in_bytes").write_text(text)
    of_process = tmp_path / "groups"
    of_process.write_text("4:cpu:/x\n3:memory:/pods\n")
    assert memory.for_programs(root, of_process) == limit


@pytest.mark.asyncio
async def test_a_program_has_a_limit_of_its_own_and_goes_before_the_service() -> None:
    limit = 2000 * MIB
    wait = f"import resource\nwhile resource.getrlimit(resource.RLIMIT_AS) != ({limit}, {limit}): pass\n"
    look = "print(open('/proc/self/oom_score_adj').read())"
    ended = await Commands(memory_bytes=limit).run(sys.executable, "-c", wait + look, seconds=10)
    assert ended.stdout.split() == ["1000"]


def test_a_program_that_has_ended_already_is_left_alone() -> None:
    memory.restrict(2**22 + 1, MIB)  # beyond the highest process id
