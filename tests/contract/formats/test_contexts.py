"""What the controller of one version tells the node of another, through Kubernetes' objects."""

import pytest

from common import context_keys
from common.clouds.digitalocean import FACTS
from controller import replies, requests
from controller.cloud.records import Volume
from controller.digitalocean.limits import TRAITS
from controller.records import BLANK, ControllerScope, PublishContext, Source
from controller.rules import sealed_context
from csi_proto.csi import v1 as csi
from node.requests import Requests
from tests.contract.formats.golden import NEWEST, VERSIONS, Json, load, texts
from tools.csi.kubelet import NodeRequests, mounted

READ = pytest.mark.parametrize("version", VERSIONS)
MOUNT = mounted()


def volume(golden: dict[str, Json]) -> Volume:
    told = texts(golden["volume"])
    return Volume(told["id"], told["name"], told["zone"], int(told["size_bytes"]))


def scope(golden: dict[str, Json]) -> ControllerScope:
    return ControllerScope(str(golden["driver"]), "nyc1", FACTS, TRAITS)


def stage(golden: dict[str, Json], context: dict[str, str]) -> csi.NodeStageVolumeRequest:
    published, passphrases = texts(golden["publish_context"]), texts(golden["passphrases"])
    return NodeRequests(volume(golden).id, published, "/staging", "", MOUNT, context, passphrases).stage()


@pytest.mark.parametrize("of", ["blank_volume", "copy"])
def test_the_context_of_a_volume_is_written_as_before(of: str) -> None:
    golden = load(NEWEST, "contexts")
    source = Source(snapshot_id="5d8e0f0e-7a52-4b1c-9d1e-0c9f2b8a7e11") if of == "copy" else BLANK
    written = replies.created(volume(golden), source, {}, scope(golden)).volume
    assert written is not None
    assert written.volume_context == texts(golden[f"volume_context_of_a_{of}"])
    assert written.accessible_topology == [csi.Topology(segments=texts(golden["topology"]))]


def test_the_parameters_that_the_node_reads_are_passed_on_as_before() -> None:
    golden = load(NEWEST, "contexts")
    message = csi.CreateVolumeRequest(
        name="pvc-0f9d", parameters=texts(golden["parameters"]), volume_capabilities=[MOUNT]
    )
    assert requests.create_volume(message, scope(golden)).context == texts(golden["parameters"])


def test_the_context_of_an_attachment_is_written_as_before() -> None:
    golden = load(NEWEST, "contexts")
    made = volume(golden)
    written = replies.published(PublishContext(made.name, made.size_bytes), str(golden["driver"]))
    assert written.publish_context == texts(golden["publish_context"])


@READ
@pytest.mark.parametrize("of", ["blank_volume", "copy"])
def test_the_seal_of_every_version_is_believed(version: str, of: str) -> None:
    golden = load(version, "contexts")
    made, context = volume(golden), texts(golden[f"volume_context_of_a_{of}"])
    told = sealed_context.read(made.id, context, str(golden["driver"]))
    assert told == PublishContext(made.name, made.size_bytes)
    assert sealed_context.read("another", context, str(golden["driver"])) is None


@READ
def test_the_node_reads_the_contexts_of_every_version(version: str) -> None:
    golden = load(version, "contexts")
    context = {**texts(golden["volume_context_of_a_blank_volume"]), **texts(golden["parameters"])}
    found = Requests(str(golden["driver"])).stage(stage(golden, context))
    made = volume(golden)
    assert (found.volume.name, found.volume.min_bytes, found.volume.copied) == (made.name, made.size_bytes, False)
    assert (found.volume.never_format, found.keys.passphrase, found.keys.old) == ("", b"a new one", b"an old one")
    assert found.filesystem is not None
    options = found.filesystem.options
    assert (options.block_bytes, options.inode_bytes, options.label) == (4096, 512, "data")
    assert (options.bytes_per_inode, options.reserved_percent) == (16384, 1)
    encryption = found.volume.encryption
    assert encryption is not None
    assert (encryption.cipher, encryption.key_bits, encryption.sector_bytes) == ("aes-xts-plain64", 512, 4096)
    assert (encryption.pbkdf, encryption.memory_kib, encryption.iterations) == ("argon2id", 65536, 4)
    assert encryption.discards is False


@READ
def test_the_node_never_formats_what_any_version_has_marked(version: str) -> None:
    golden = load(version, "contexts")
    reader = Requests(str(golden["driver"]))
    copy = reader.stage(stage(golden, texts(golden["volume_context_of_a_copy"]))).volume
    assert copy.copied
    assert copy.never_format
    marks = golden["never_format"]
    assert isinstance(marks, list)
    assert len(marks) >= len(context_keys.NOFORMAT_KEYS)
    for mark in marks:
        assert reader.stage(stage(golden, {str(mark): "true"})).volume.never_format
