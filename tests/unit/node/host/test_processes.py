"""Who uses a path: also those that are no processes."""

from pathlib import Path

import pytest

from node.host import processes


def loop(sysfs: Path, name: str, file: str) -> None:
    page = sysfs / "class/block" / name / "loop/backing_file"
    page.parent.mkdir(parents=True)
    page.write_text(f"{file}\n")


def test_a_loop_device_on_a_file_below_a_path_is_a_user_of_it(tmp_path: Path) -> None:
    loop(tmp_path, "loop3", "/target/disk.img")
    loop(tmp_path, "loop4", "/target-2/disk.img")
    loop(tmp_path, "loop5", "/target/gone.img (deleted)")
    assert processes.loops("/target", tmp_path) == (
        "loop3 (on /target/disk.img)",
        "loop5 (on /target/gone.img (deleted))",
    )


def test_no_more_loop_devices_are_named_than_a_message_bears(tmp_path: Path) -> None:
    for number in range(20):
        loop(tmp_path, f"loop{number}", "/target")
    assert len(processes.loops("/target", tmp_path)) == processes.MOST


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        pytest.param("30 1 8:0 / /mnt rw - ext4 /dev/sda rw", True, id="by its number"),
        pytest.param("30 1 0:40 / /mnt rw - btrfs /dev/sda rw", True, id="a btrfs by its device"),
        pytest.param("30 1 0:40 / /mnt rw - btrfs /dev/sdab rw", False, id="another btrfs"),
    ],
)
def test_who_has_a_device_mounted_in_a_mount_namespace_of_his_own_is_named(
    tmp_path: Path, line: str, *, holds: bool
) -> None:
    folder = tmp_path / "7"
    (folder / "ns").mkdir(parents=True)
    (folder / "ns/mnt").symlink_to("mnt:[4026531840]")
    (folder / "comm").write_text("holder\n")
    (folder / "mountinfo").write_text(f"{line}\n")
    assert processes.holders_of_mount("/dev/sda", "8:0", tmp_path) == (("holder (pid 7)",) if holds else ())


@pytest.mark.parametrize(
    ("name", "lies"),
    [("cwd", "/t"), ("root", "/t/root"), ("exe", "/t/bin/program"), ("fd/3", "/t/file")],
)
def test_a_process_uses_what_its_links_lead_to(tmp_path: Path, name: str, lies: str) -> None:
    process(tmp_path, 7)
    (tmp_path / "7" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "7" / name).symlink_to(lies)
    process(tmp_path, 8)
    (tmp_path / "8/cwd").symlink_to("/t-2")
    assert processes.users("/t", tmp_path) == ("user (pid 7)",)


@pytest.mark.parametrize(("path", "mapped"), [("/t", True), ("/t/lib one.so", True), ("/t/lib", False), ("/u", False)])
def test_a_process_uses_what_it_has_mapped(tmp_path: Path, path: str, *, mapped: bool) -> None:
    process(tmp_path, 7)
    lines = ("7f00-7f10 r-xp 00000000 08:00 12 [stack]", "7f10-7f20 r-xp 00000000 08:00 13     /t/lib one.so")
    (tmp_path / "7/maps").write_text("\n".join(lines))
    assert processes.users(path, tmp_path) == (("user (pid 7)",) if mapped else ())


@pytest.mark.parametrize(
    ("path", "area"),
    [("/dev/sda", "/dev/sda"), ("/dev/sda", "/dev/sda1"), ("/dev/loop1", "/dev/loop1p2"), ("/target", "/target/swap")],
)
def test_swap_is_a_user_of_its_device_and_of_the_mount_that_its_file_lies_in(
    tmp_path: Path, path: str, area: str
) -> None:
    page = tmp_path / "swaps"
    page.write_text(f"Filename\tType\n{area}    partition\n/dev/sdab  partition\n/target-2/swap file\n")
    assert processes.swaps(path, page) == (f"swap on {area}",)
    assert processes.swaps(path, tmp_path / "none") == ()


def process(proc: Path, number: int) -> None:
    (proc / f"{number}").mkdir()
    (proc / f"{number}/comm").write_text("user\n")
