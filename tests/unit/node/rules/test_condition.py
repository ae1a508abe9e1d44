"""From the kernel's signs to findings."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors
from node.records.findings import Finding
from node.records.kernel import Facts, Mount
from node.records.state import Staged
from node.rules import condition
from node.rules.condition import Signs

ROOT = Path(__file__).parents[4]
MOUNT = Mount(
    id=1,
    parent=0,
    number="7:0",
    root="/",
    point="/mount",
    options=frozenset({"rw"}),
    shared=True,
    kind="ext4",
    source="/dev/loop0",
    super_options=frozenset({"rw"}),
)
FACTS = Facts("loop0", "7:0", 1 << 30, backing_file="/volumes/id.img")
KNOWN = Staged("id", "name", "/mount", "7:0", "ext4")
WELL = Signs(MOUNT, FACTS, KNOWN)
READ_ONLY = replace(MOUNT, super_options=frozenset({"ro"}))


def test_a_message_names_a_few_volumes_and_counts_the_rest() -> None:
    many = tuple((f"volume-{number}", None) for number in range(27))
    (gone,) = condition.of_storage(many, 0)
    assert "no disk under volume volume-0, volume-1, volume-2, volume-3, volume-4 and 22 more;" in gone.message
    (mute,) = condition.of_storage((), 0, tuple(volume_id for volume_id, _ in many))
    assert "volume-4 and 22 more;" in mute.message


def test_of_one_volume_more_than_are_named_one_is_counted() -> None:
    for count, told in ((5, "volume a, a, a, a, a;"), (6, "volume a, a, a, a, a and 1 more;")):
        assert told in condition.of_storage((("a", None),) * count, 0)[0].message


def test_a_volume_that_is_well_has_no_findings() -> None:
    assert condition.of_volume(WELL) == ()
    assert condition.of_volume(replace(WELL, mount=READ_ONLY, known=replace(KNOWN, read_only=True))) == ()
    for counted in (2, 5):
        facts, known = replace(FACTS, errors=counted), replace(KNOWN, errors=2)
        assert condition.of_volume(replace(WELL, facts=facts, known=known)) == ()


@pytest.mark.parametrize(
    ("signs", "severity", "reason"),
    [
        (replace(WELL, facts=None), "inaccessible", "DeviceGone"),
        (replace(WELL, facts=replace(FACTS, mapper="aiocsi-id", disk="")), "inaccessible", "DeviceGone"),
        (replace(WELL, facts=replace(FACTS, state="blocked")), "inaccessible", "DeviceNotRunning"),
        (replace(WELL, facts=replace(FACTS, backing_file="/volumes/other.img")), "inaccessible", "DeviceReplaced"),
        (replace(WELL, silent=2), "inaccessible", "DeviceHung"),
        (replace(WELL, facts=replace(FACTS, errors=6), known=replace(KNOWN, errors=2)), "degraded", "DeviceErrors"),
        (replace(WELL, answer="Input/output error"), "inaccessible", "FilesystemDead"),
        (replace(WELL, answer=condition.NO_ANSWER), "inaccessible", "FilesystemHung"),
        (replace(WELL, counted=1), "degraded", "FilesystemErrors"),
        (replace(WELL, mount=READ_ONLY), "inaccessible", "FilesystemReadOnly"),
    ],
)
def test_a_sign_becomes_a_finding(signs: Signs, severity: str, reason: str) -> None:
    found = condition.of_volume(signs)
    assert (severity, reason) in [(finding.severity, finding.reason) for finding in found]
    assert {finding.reason for finding in found} <= set(condition.REASONS)


def test_a_disk_that_is_gone_is_named_by_what_is_left_of_it() -> None:
    lost = replace(FACTS, mapper="aiocsi-id", disk="")
    for facts, what in ((None, "device 7:0"), (lost, "the disk below mapper aiocsi-id, device 7:0")):
        (found, *_) = condition.of_volume(replace(WELL, facts=facts))
        assert found.message.startswith(f"{what} under /mount is gone; ")


def test_the_reference_has_each_reason_and_no_other() -> None:
    page = (ROOT / "docs/reference/node-parameters.md").read_text()
    rows = page.partition("## Reasons of volume health")[2].partition("\n## ")[0]
    named = [name for row in rows.splitlines() for name in re.findall(r"`([A-Z]\w+)`", row[1:].partition("|")[0])]
    assert sorted(named) == sorted(condition.REASONS)


def test_a_raw_block_device_has_no_file_system_that_could_be_ill() -> None:
    assert condition.of_volume(replace(WELL, block="7:0", answer="Input/output error", counted=2)) == ()


def test_a_node_that_has_lost_its_disks_says_so() -> None:
    assert condition.of_storage((("a", FACTS), ("b", None)), 0) == (
        Finding("degraded", "DevicesGone", f"no disk under volume b; {condition.REMEDIES['DevicesGone']}"),
    )
    for volumes, severity in (("aa", "unreachable"), ("aab", "degraded"), ("a", "degraded")):
        gone = tuple((each, FACTS if each == "b" else None) for each in volumes)
        assert [found.severity for found in condition.of_storage(gone, 0)] == [severity]
    assert [(found.severity, found.reason) for found in condition.of_storage((), 2)] == [("degraded", "CallsHang")]
    assert condition.of_storage((("a", FACTS), ("b", FACTS)), 0, ("a", "b")) == (
        Finding(
            "degraded",
            "DevicesHang",
            f"the disk does not answer under volume a, b; {condition.REMEDIES['DevicesHang']}",
        ),
    )
    lost = replace(FACTS, mapper="aiocsi-a", disk="")
    assert [found.reason for found in condition.of_storage((("a", lost),), 0)] == ["DevicesGone"]
    assert condition.of_storage((("a", FACTS), ("b", replace(lost, disk="7:0"))), 0) == ()


@pytest.mark.parametrize("now", [None, FACTS, replace(FACTS, errors=5)], ids=["gone", "no errors", "notices alone"])
def test_what_is_refused_stays_refused_while_the_disk_answers(now: Facts | None) -> None:
    assert condition.doubt("id", errors.FailedPrecondition("damaged"), replace(FACTS, errors=2), now) is None


def test_what_is_refused_is_not_final_while_the_disk_answers_with_errors() -> None:
    damaged = errors.FailedPrecondition("only a person can decide", remedy="run e2fsck by hand")
    doubted = condition.doubt("id", damaged, replace(FACTS, errors=2), replace(FACTS, errors=6))
    assert isinstance(doubted, errors.NotFinal)
    assert doubted.message == "disk loop0 of volume id has answered 4 commands with errors: only a person can decide"
    assert "e2fsck" not in doubted.remedy


@pytest.mark.parametrize(
    ("mount", "facts", "known", "answer", "why"),
    [
        pytest.param(MOUNT, None, KNOWN, "", "its device is gone", id="no device"),
        pytest.param(MOUNT, replace(FACTS, state="offline"), KNOWN, "", "its device is gone", id="a dead disk"),
        pytest.param(MOUNT, replace(FACTS, mapper="aiocsi-id"), KNOWN, "", "its device is gone", id="a mapper alone"),
        pytest.param(
            MOUNT, replace(FACTS, backing_file="/x.img"), KNOWN, "", "its device is /x.img by now", id="replaced"
        ),
        pytest.param(READ_ONLY, FACTS, KNOWN, "", "has given up the ext4 after an error", id="read-only"),
        pytest.param(
            replace(MOUNT, super_options=frozenset({"rw", "shutdown"})),
            FACTS,
            KNOWN,
            "",
            "has given up",
            id="shut down",
        ),
        pytest.param(MOUNT, FACTS, KNOWN, "Input/output error", "answers with an error (Input/", id="an error"),
    ],
)
def test_a_file_system_is_dead_when(mount: Mount, facts: Facts | None, known: Staged, answer: str, why: str) -> None:
    assert why in condition.death(mount, facts, known, answer)


@pytest.mark.parametrize(
    ("mount", "facts", "known"),
    [
        pytest.param(MOUNT, FACTS, KNOWN, id="well"),
        pytest.param(MOUNT, replace(FACTS, state="blocked"), KNOWN, id="its disk may come back"),
        pytest.param(READ_ONLY, FACTS, replace(KNOWN, read_only=True), id="staged to be read"),
        pytest.param(READ_ONLY, FACTS, replace(KNOWN, flags=("ro",)), id="read-only by its flags"),
        pytest.param(replace(READ_ONLY, options=frozenset({"ro"})), FACTS, None, id="mounted to be read, in no record"),
        pytest.param(MOUNT, replace(FACTS, backing_file="/x.img"), None, id="in no record"),
        pytest.param(MOUNT, replace(FACTS, backing_file="/x.img"), replace(KNOWN, volume_name=""), id="of no name"),
        pytest.param(MOUNT, replace(FACTS, backing_file="/x.img"), replace(KNOWN, number="7:1"), id="another mount"),
    ],
)
def test_a_file_system_lives_as_far_as_can_be_told(mount: Mount, facts: Facts, known: Staged | None) -> None:
    assert condition.death(mount, facts, known) == ""


def test_a_file_system_that_is_meant_to_be_written_to_and_is_not_is_dead_without_a_record_too() -> None:
    assert condition.death(READ_ONLY, FACTS, None)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        pytest.param(["/k/pods/1-a/volumes/x"], "the pod with uid 1-a", id="one pod"),
        pytest.param(["/k/pods/1-a/x", "/k/pods/1-a/y"], "the pod with uid 1-a", id="twice in one pod"),
        pytest.param(["/k/pods/2/x", "/k/pods/1/x"], "the pods with uid 1, 2", id="several pods"),
        pytest.param(["/mnt", "/k/pods/1/x"], "what uses /k/pods/1/x, /mnt", id="somebody else, too"),
    ],
)
def test_who_uses_a_volume_is_told_by_pod_where_paths_tell_it(points: list[str], said: str) -> None:
    assert condition.pods(points) == said
