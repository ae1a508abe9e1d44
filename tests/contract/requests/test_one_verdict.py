"""The controller and the node judge one StorageClass and one PersistentVolume alike, with the same words.

Whatever the node would refuse, CreateVolume refuses before a volume is made; what it takes, the node takes.
"""

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import context_keys, errors
from common.clouds import CLOUDS, DEFAULT
from controller import requests as controller_requests
from controller.digitalocean.limits import TRAITS
from controller.records import ControllerScope
from csi_proto.csi import v1 as csi
from node.requests import Requests
from tests.harness.message_strategies import NO_UUID
from tools.csi.kubelet import Modes, NodeRequests, attached, raw

DRIVER = "dobs.csi.digitalocean.com"
SCOPE = ControllerScope(DRIVER, "nyc1", CLOUDS[DEFAULT], TRAITS)
PARAMETERS = sorted(context_keys.FORMAT_PARAMETERS | context_keys.ENCRYPTION_PARAMETERS)

VALUES = st.sampled_from(
    [
        *("", "0", "1", "5", "50", "51", "128", "256", "512", "999", "1000", "1024", "2048", "4096", "8192", "65536"),
        *(
            "luks2",
            "true",
            "false",
            "aes-xts-plain64",
            "aes-ecb",
            "cipher_null-ecb",
            "argon2id",
            "pbkdf2",
            "data",
            "-L",
        ),
        *("1e3", "-1", "٣", "0512", " 512", "x" * 17, "xchacha20,aes-adiantum-plain64"),
    ]
)
FLAGS = st.sampled_from(
    [
        *(
            "ro",
            "rw",
            "noatime",
            "discard",
            "errors=panic",
            "errors=continue",
            "loop",
            "bind",
            "nouuid",
            "compress=zstd",
        ),
        *("noatime,discard", "context=a,loop", 'context="u:object_r:t:s0:c1,c2"', "norecovery", "commit=5", "commit=6"),
        *("", ",", "x-a=b", "data=journal", "subvol=/a", "a\nb", "ro,remount", "helper=sh", "defaults", "x" * 300),
    ]
) | st.text(max_size=12)
FS_TYPES = st.sampled_from(["", "ext2", "ext3", "ext4", "EXT4", "Xfs", "btrfs", "ntfs", "ext4 ", "luks", "auto"])


def capability(mode: int, fs_type: str | None, flags: Sequence[str] = (), group: str = "") -> csi.VolumeCapability:
    """Return a capability; ``fs_type`` None: as a raw block device."""
    access_mode = csi.VolumeCapabilityAccessMode(mode=Modes(mode))
    if fs_type is None:
        return raw(Modes(mode))
    mount = csi.VolumeCapabilityMountVolume(fs_type=fs_type, mount_flags=list(flags), volume_mount_group=group)
    return csi.VolumeCapability(mount=mount, access_mode=access_mode)


CAPABILITIES = st.builds(
    capability,
    mode=st.sampled_from([1, 1, 1, 2, 6, 7, 0, 3, 5, 99]),
    fs_type=st.none() | FS_TYPES,
    flags=st.lists(FLAGS, max_size=3),
    group=st.sampled_from(["", "", "", "1000"]),
)


def verdict(ask: Callable[[], object]) -> str:
    try:
        ask()
    except errors.InvalidArgument as error:
        return str(error)
    return ""


def verdicts(asked: csi.VolumeCapability, parameters: Mapping[str, str]) -> list[str]:
    """Return what CreateVolume, ControllerPublish, NodeStage and NodePublish say; empty: taken."""
    source = csi.VolumeContentSource(volume=csi.VolumeContentSourceVolumeSource(volume_id=NO_UUID))
    create = csi.CreateVolumeRequest(
        name="pvc-a", volume_capabilities=[asked], parameters=dict(parameters), volume_content_source=source
    )
    attach = csi.ControllerPublishVolumeRequest(
        volume_id=NO_UUID, node_id="101", volume_capability=asked, volume_context=dict(parameters)
    )
    node = NodeRequests(NO_UUID, attached("pvc-a"), "/staging", "/target", asked, parameters)
    return [
        verdict(lambda: controller_requests.create_volume(create, SCOPE)),
        verdict(lambda: controller_requests.publish(attach, DRIVER)),
        verdict(lambda: Requests(DRIVER).stage(node.stage())),
        verdict(lambda: Requests(DRIVER).publish(node.publish())),
    ]


@given(asked=CAPABILITIES, parameters=st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=4))
@example(asked=capability(1, "EXT4"), parameters={})
@example(asked=capability(1, "ext4", ("context=a,loop",)), parameters={})
@example(asked=capability(1, "ext4", ("noatime,discard",)), parameters={})
@example(asked=capability(1, "ext4"), parameters={"blockSize": "999"})
@example(asked=capability(1, "ext2", ("loop",)), parameters={})
@example(asked=capability(1, None), parameters={"blockSize": "999"})
@example(asked=capability(5, "ext4"), parameters={})
@example(asked=capability(1, "xfs"), parameters={"inodeSize": "256"})
@settings(max_examples=600)
def test_both_services_give_one_verdict(asked: csi.VolumeCapability, parameters: dict[str, str]) -> None:
    told = verdicts(asked, parameters)
    assert told == [told[0]] * 4


@pytest.mark.parametrize(
    ("asked", "parameters", "refused"),
    [
        pytest.param(capability(1, "ext4"), {"blockSize": "999"}, True, id="a block size that mkfs does not take"),
        pytest.param(capability(1, "ext4", ("loop",)), {}, True, id="loop"),
        pytest.param(capability(1, "ext4", ("errors=panic",)), {}, True, id="panic"),
        pytest.param(capability(1, "xfs"), {"inodeSize": "256"}, True, id="an inode size that mkfs.xfs does not take"),
        pytest.param(capability(1, "EXT4"), {}, False, id="in capitals"),
        pytest.param(capability(1, "ext2"), {}, False, id="ext2"),
        pytest.param(capability(1, "ext4", ("noatime,discard",)), {}, False, id="two options in one"),
        pytest.param(capability(3, "ext4"), {}, True, id="readers on many nodes"),
    ],
)
def test_the_verdict_of_all_calls(asked: csi.VolumeCapability, parameters: dict[str, str], refused: bool) -> None:
    assert [bool(text) for text in verdicts(asked, parameters)] == [refused] * 4
