"""The end of a program: a verdict, or none."""

import pytest

from common import errors
from node.formats import exit_status, filesystem_argv
from node.formats.exit_status import ExitMeaning
from node.formats.filesystem_argv import Checked

NEWER = "/dev/sdb has unsupported feature(s): FEATURE_C20\ne2fsck: Get a newer version of e2fsck!"


@pytest.mark.parametrize(
    ("program", "status", "said", "meaning"),
    [
        ("e2fsck", 0, "", ExitMeaning.DONE),
        ("e2fsck", 3, "", ExitMeaning.DONE),
        ("e2fsck", 4, "UNEXPECTED INCONSISTENCY", ExitMeaning.VERDICT),
        ("e2fsck", 5, "", ExitMeaning.VERDICT),
        ("e2fsck", 4, "Error reading block 7 (Input/output error).; RUN fsck MANUALLY", ExitMeaning.NOT_JUDGED),
        ("e2fsck", 8, "Memory allocation failed", ExitMeaning.NOT_JUDGED),
        ("e2fsck", 12, NEWER, ExitMeaning.NOT_JUDGED),
        ("e2fsck", 16, "", ExitMeaning.NOT_JUDGED),
        ("e2fsck", 32, "", ExitMeaning.NOT_JUDGED),
        ("e2fsck", 36, "", ExitMeaning.NOT_JUDGED),
        ("e2fsck", 128, "", ExitMeaning.NOT_JUDGED),
        ("e2fsck", -9, "", ExitMeaning.NOT_JUDGED),
        ("mount", 0, "", ExitMeaning.DONE),
        ("mount", 1, "must be superuser", ExitMeaning.NOT_JUDGED),
        ("mount", 2, "out of memory", ExitMeaning.NOT_JUDGED),
        ("mount", 32, "wrong fs type, bad option, bad superblock on /dev/sdb", ExitMeaning.VERDICT),
        ("mount", 32, "mount(2) system call failed: Structure needs cleaning.", ExitMeaning.VERDICT),
        ("mount", 32, "unknown filesystem type 'btrfs'.", ExitMeaning.VERDICT),
        ("mount", 32, "mount(2) system call failed: Cannot allocate memory.", ExitMeaning.NOT_JUDGED),
        ("mount", 32, "/dev/sdb already mounted or mount point busy.", ExitMeaning.NOT_JUDGED),
        ("mount", 32, "can't read superblock on /dev/sdb.", ExitMeaning.NOT_JUDGED),
        ("mount", -15, "", ExitMeaning.NOT_JUDGED),
        ("umount", 32, "target is busy.", ExitMeaning.NOT_JUDGED),
        ("blkid", 2, "", ExitMeaning.DONE),
        ("blkid", 8, "", ExitMeaning.DONE),
        ("blkid", 4, "error: /dev/sdb: Input/output error", ExitMeaning.NOT_JUDGED),
        ("mkfs.ext4", 1, "Device or resource busy", ExitMeaning.NOT_JUDGED),
        ("mkfs.xfs", -11, "", ExitMeaning.NOT_JUDGED),
        ("xfs_growfs", 1, "Read-only file system", ExitMeaning.NOT_JUDGED),
        ("btrfs", 1, "another exclusive operation 'balance paused' in progress", ExitMeaning.NOT_JUDGED),
        ("resize2fs", 1, "Resizing bigalloc file systems has not been fully tested", ExitMeaning.NOT_JUDGED),
        ("wipefs", 1, "", ExitMeaning.NOT_JUDGED),
    ],
)
def test_a_program_has_judged_only_by_a_status_that_its_manual_gives_that_meaning(
    program: str, status: int, said: str, meaning: ExitMeaning
) -> None:
    assert exit_status.read(program, status, said) is meaning


@pytest.mark.parametrize(("status", "repaired"), [(0, False), (1, True), (2, True), (3, True)])
def test_a_check_that_repaired_everything_is_well(status: int, *, repaired: bool) -> None:
    assert filesystem_argv.read_check(status, "id", "") == Checked(repaired=repaired)


@pytest.mark.parametrize("status", [4, 5, 6, 7])
def test_errors_that_fsck_leaves_are_refused_for_good(status: int) -> None:
    with pytest.raises(errors.FailedPrecondition, match="only a person can decide"):
        filesystem_argv.read_check(status, "id", "inode 12 is bad")


@pytest.mark.parametrize("status", [8, 9, 12, 16, 20, 32, 36, 40, 128, 132, -9, -4])
def test_a_check_that_could_not_judge_claims_no_errors_and_is_made_again(status: int) -> None:
    with pytest.raises(errors.OutcomeUnknown, match="could not be checked") as caught:
        filesystem_argv.read_check(status, "id", "")
    assert "has errors" not in str(caught.value)


@pytest.mark.parametrize("status", [8, 9, 12])
def test_a_file_system_that_is_newer_than_fsck_is_not_checked_and_no_error(status: int) -> None:
    checked = filesystem_argv.read_check(status, "id", NEWER)
    assert (checked.repaired, "unsupported feature" in checked.unchecked) == (False, True)


@pytest.mark.parametrize("said", ["unsupported feature(s)", "Get a newer version", "revision too high", "too new"])
def test_each_way_in_which_e2fsck_says_that_it_is_too_old_is_known(said: str) -> None:
    assert exit_status.is_unknown_to_e2fsck(8, f"e2fsck: {said}!")


@pytest.mark.parametrize("status", [4, 16, 40, -9])
def test_what_fsck_prints_excuses_no_other_end(status: int) -> None:
    assert not exit_status.is_unknown_to_e2fsck(status, NEWER)


@pytest.mark.parametrize(("number", "said"), [(9, "SIGKILL), perhaps for lack of memory"), (11, "SIGSEGV), and has")])
def test_a_program_that_was_killed_has_judged_nothing_and_says_how_to_find_out(number: int, said: str) -> None:
    error = exit_status.killed("e2fsck", number)
    assert said in error.message
    assert "node.resources.limits.memory" in error.remedy
    assert "signal 90" in exit_status.killed("e2fsck", 90).message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(" target is busy.\n", "umount ended with 32: target is busy.", id="what it said"),
        pytest.param(" \n", "umount ended with 32 and said nothing", id="nothing"),
        pytest.param("x" * 4000, f"umount ended with 32: {'x' * 400}", id="too much"),
    ],
)
def test_a_program_is_quoted_in_one_way(said: str, words: str) -> None:
    assert exit_status.words("umount", 32, said) == words
