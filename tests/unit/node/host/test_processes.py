"""Who uses a path: also those that are no processes."""

from pathlib import Path

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
