"""What is wrong in a request is refused before anything is looked at; what is right becomes a record."""

from collections.abc import Callable
from dataclasses import replace

import betterproto2
import pytest

from common import encryption, errors
from common.format_parameters import FormatOptions
from csi_proto.csi import v1 as csi
from node import requests
from node.records.requests import Expand, Filesystem, Keys, Publish, Stage, VolumePath, VolumeSpec
from node.requests import Requests
from tools.csi.kubelet import Modes, NodeRequests, mounted, raw

DRIVER = "dobs.csi.digitalocean.com"
READS = Requests(DRIVER)
PUBLISHED = {f"{DRIVER}/volume-name": "pvc-1", f"{DRIVER}/volume-size-bytes": "1024"}
ASKED = NodeRequests("id", PUBLISHED, "/staging", "/target", mounted(""))


def test_a_stage_request_becomes_a_record() -> None:
    message = ASKED.stage()
    message.volume_capability = mounted("XFS", "noatime")
    message.volume_context = {"label": "data", f"{DRIVER}/volume-origin": "snapshot", "storage.kubernetes.io/x": "y"}
    assert READS.stage(message) == Stage(
        volume=VolumeSpec(
            "id", "pvc-1", 1024, "it was made from a snapshot, whose data may not be there yet", copied=True
        ),
        path="/staging",
        filesystem=Filesystem("xfs", ("noatime",), FormatOptions(label="data")),
        read_only=False,
    )


def test_an_attachment_of_csi_digitalocean_has_no_size_and_is_no_error() -> None:
    message = ASKED.stage()
    message.publish_context = {f"{DRIVER}/volume-name": "pvc-1"}
    assert READS.stage(message).volume == VolumeSpec("id", "pvc-1")


@pytest.mark.parametrize("key", ["dobs.csi.digitalocean.com/noformat", "com.digitalocean.csi.dobs/noformat"])
@pytest.mark.parametrize("value", ["", "false", "true"])
def test_a_noformat_attribute_counts_with_whatever_value(key: str, value: str) -> None:
    message = ASKED.stage()
    message.volume_context = {key: value}
    assert READS.stage(message).volume.never_format


@pytest.mark.parametrize(
    ("mode", "read_only", "alone"),
    [
        (Modes.SINGLE_NODE_WRITER, False, False),
        (Modes.SINGLE_NODE_MULTI_WRITER, False, False),
        (Modes.SINGLE_NODE_SINGLE_WRITER, False, True),
        (Modes.SINGLE_NODE_READER_ONLY, True, False),
    ],
)
def test_an_access_mode_says_who_may_write(mode: Modes, *, read_only: bool, alone: bool) -> None:
    message = ASKED.publish()
    message.volume_capability = raw(mode)
    never_format = "it is asked for to be read only" if read_only else ""
    assert READS.publish(message) == Publish(
        VolumeSpec("id", "pvc-1", 1024, never_format, raw=True),
        "/staging",
        "/target",
        None,
        read_only=read_only,
        alone=alone,
    )


def test_a_mount_option_says_that_nothing_is_written() -> None:
    stage, publish = ASKED.stage(), ASKED.publish()
    stage.volume_capability = publish.volume_capability = mounted("ext4", "noatime,ro")
    assert READS.stage(stage).read_only
    assert READS.stage(stage).volume.never_format
    assert READS.publish(publish).read_only


def set_to(name: str, value: object) -> Callable[[betterproto2.Message], None]:
    return lambda message: setattr(message, name, value)


CHANGES = [
    pytest.param(set_to("volume_id", ""), id="no id"),
    pytest.param(set_to("volume_id", "a/b"), id="an odd id"),
    pytest.param(set_to("volume_id", 1), id="an id of a wrong type"),
    pytest.param(set_to("publish_context", {}), id="no publish context"),
    pytest.param(set_to("publish_context", {f"{DRIVER}/volume-name": "../sda"}), id="a name that is a path"),
    pytest.param(set_to("publish_context", {**PUBLISHED, f"{DRIVER}/volume-size-bytes": "-1"}), id="a negative size"),
    pytest.param(set_to("publish_context", {**PUBLISHED, f"{DRIVER}/volume-size-bytes": "9" * 40}), id="a huge size"),
    pytest.param(set_to("staging_target_path", "staging"), id="a relative path"),
    pytest.param(set_to("staging_target_path", "/a/../b"), id="a path with .."),
    pytest.param(set_to("staging_target_path", "/a\nb"), id="a path with a newline"),
    pytest.param(set_to("staging_target_path", "/" + "x" * 5000), id="a path of 5,000 characters"),
    pytest.param(set_to("volume_capability", None), id="no capability"),
    pytest.param(set_to("volume_capability", csi.VolumeCapability()), id="an empty capability"),
    pytest.param(set_to("volume_capability", mounted(mode=Modes.UNKNOWN)), id="no access mode"),
    pytest.param(set_to("volume_capability", mounted(mode=Modes.MULTI_NODE_MULTI_WRITER)), id="many nodes"),
    pytest.param(set_to("volume_capability", mounted(mode=Modes(99))), id="an unknown access mode"),
    pytest.param(set_to("volume_capability", mounted("ntfs")), id="an unknown file system"),
    pytest.param(set_to("volume_capability", mounted("ext4", "remount")), id="a flag that remounts"),
    pytest.param(set_to("volume_capability", mounted("ext4", "ro,loop")), id="a flag with a comma"),
    pytest.param(set_to("volume_context", {"blockSize": "3"}), id="a wrong parameter"),
    pytest.param(set_to("volume_context", {f"{DRIVER}/volume-origin": "moon"}), id="an unknown origin"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_stage_request_is_refused(change: Callable[[betterproto2.Message], None]) -> None:
    message = ASKED.stage()
    change(message)
    with pytest.raises(errors.InvalidArgument):
        READS.stage(message)


@pytest.mark.parametrize("change", [*CHANGES, pytest.param(set_to("target_path", "x"), id="a relative target")])
def test_a_wrong_publish_request_is_refused(change: Callable[[betterproto2.Message], None]) -> None:
    message = ASKED.publish()
    change(message)
    with pytest.raises(errors.InvalidArgument):
        READS.publish(message)


def test_a_publish_without_a_staging_path_is_refused_as_csi_says() -> None:
    message = ASKED.publish()
    message.staging_target_path = ""
    with pytest.raises(errors.FailedPrecondition):
        READS.publish(message)


def test_target_and_staging_path_must_differ() -> None:
    message = ASKED.publish()
    message.target_path = "/staging/"
    with pytest.raises(errors.InvalidArgument):
        READS.publish(message)


def test_the_other_requests_name_a_place() -> None:
    place = VolumePath("id", "/target", "/staging")
    assert requests.unpublish(ASKED.unpublish()) == VolumePath("id", "/target")
    assert requests.unstage(ASKED.unstage()) == VolumePath("id", "/staging")
    assert (requests.stats(ASKED.stats()), requests.health(ASKED.health())) == (place, place)


def test_a_secret_that_can_be_corrected_is_no_reason_never_to_grow_again() -> None:
    with pytest.raises(errors.Unavailable, match="has less than"):
        requests.expand(replace(ASKED, secrets={"encryption-passphrase": "short"}).expand())


def test_an_expand_request_becomes_a_record() -> None:
    wanted = requests.expand(replace(ASKED, capability=raw()).expand(5, 6))
    assert wanted == Expand(VolumePath("id", "/target", "/staging"), 5, 6, block=True)


@pytest.mark.parametrize(("required", "limit"), [(-1, 0), (0, -1), (6, 5)])
def test_a_wrong_capacity_is_refused(required: int, limit: int) -> None:
    with pytest.raises(errors.InvalidArgument):
        requests.expand(ASKED.expand(required, limit))


def test_a_request_for_an_encrypted_volume_has_its_passphrases_and_shows_none() -> None:
    message = ASKED.stage()
    message.volume_context = {"encryption": "luks2"}
    message.secrets = {"encryption-passphrase": "the new one", "encryption-passphrase-old": "the old one", "x": "y"}
    wanted = READS.stage(message)
    assert wanted.keys == Keys(b"the new one", b"the old one")
    assert wanted.volume.encryption == encryption.parse({"encryption": "luks2"})
    assert "the new one" not in f"{wanted!r}"
    grown = requests.expand(replace(ASKED, secrets=message.secrets).expand())
    assert grown.keys.passphrase == b"the new one"
    assert "the new one" not in f"{grown!r}"


@pytest.mark.parametrize("passphrase", ["short", "x" * 513])
def test_a_passphrase_that_is_too_short_or_too_long_is_refused_unseen(passphrase: str) -> None:
    message = ASKED.stage()
    message.secrets = {"encryption-passphrase": passphrase}
    with pytest.raises(errors.InvalidArgument) as caught:
        READS.stage(message)
    assert passphrase not in str(caught.value)


def test_the_node_checks_a_class_of_encryption_again() -> None:
    message = ASKED.publish()
    message.volume_context = {"encryption": "rot13"}
    with pytest.raises(errors.InvalidArgument, match="is not one of: luks2"):
        READS.publish(message)
