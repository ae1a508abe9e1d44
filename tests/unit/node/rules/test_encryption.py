"""What is done with a volume that is to be encrypted: every header, every intent, every mapper."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import encryption as parameters
from common import errors
from node.formats import luks_header
from node.records.kernel import Facts, Mapper
from node.records.luks import Header
from node.records.probes import Probe, ScanResult, Signature, Superblock
from node.records.requests import Filesystem, VolumeSpec
from node.records.state import Intent
from node.rules import encryption, formatting
from node.rules.encryption import IN_USE, NEW, Open, Reuse, Unlock
from node.rules.formatting import Format, Keep
from tests.harness import luks

GIB = 1 << 30
BOOT = "boot-1"
ASKED = parameters.parse({"encryption": "luks2"})
VOLUME = VolumeSpec("id", "name", encryption=ASKED)
COPY = replace(VOLUME, copied=True, never_format="it was made from a snapshot, whose data may not be there yet")
EXT4 = Filesystem("ext4")
FACTS = Facts("sda", "8:0", 10 * GIB, sequence="7")
BLANK = Probe(FACTS, Signature(), scan=ScanResult(4096))
INTENT = Intent("id", encryption.KIND, 10 * GIB, BOOT, "7")
WHOLE = luks_header.parse(luks.area(luks.metadata(), label="id", subsystem=IN_USE))
assert WHOLE is not None
HEADER = WHOLE
MAPPER = Mapper("dm-0", "253:0", "aiocsi-id", "CRYPT-LUKS2-11111111222233334444555555555555-aiocsi-id", GIB, "8:0")


def locked(header: Header | None) -> Probe:
    return Probe(FACTS, Signature("crypto_LUKS", "crypto"), header=header)


def decide(
    probe: Probe, volume: VolumeSpec = VOLUME, intent: Intent | None = None
) -> Unlock | formatting.ScanFirst | Format:
    return encryption.decide(volume, probe, intent, BOOT)


def refusal(probe: Probe, volume: VolumeSpec = VOLUME, intent: Intent | None = None) -> errors.FailedPrecondition:
    with pytest.raises(errors.FailedPrecondition) as caught:
        decide(probe, volume, intent)
    assert caught.value.remedy
    return caught.value


def test_a_blank_device_is_read_and_then_encrypted() -> None:
    assert decide(replace(BLANK, scan=None)) == formatting.ScanFirst()
    assert decide(BLANK) == Format(wipe=False)


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        pytest.param(Signature("LVM2_member", "raid"), "holds LVM2_member (raid)", id="part of a volume group"),
        pytest.param(Signature("swap"), "holds swap (no file system)", id="a mark of no use that is known"),
        pytest.param(Signature(table="gpt"), "a gpt partition table", id="a partition table"),
        pytest.param(Signature(ambivalent=True), "marks of more than one format", id="several marks"),
    ],
)
def test_a_device_that_holds_anything_else_is_not_encrypted(signature: Signature, said: str) -> None:
    assert said in refusal(Probe(FACTS, signature, scan=ScanResult(4096))).message


@pytest.mark.parametrize("state", ["aiocsi-new", "aiocsi"])  # on disks: these words stay
def test_a_header_that_names_the_volume_is_unlocked(state: str) -> None:
    header = replace(HEADER, subsystem=state)
    assert decide(locked(header)) == Unlock(header, adopt=False)
    assert decide(locked(header), intent=INTENT) == Unlock(header, adopt=False)


def test_a_copy_is_unlocked_although_it_names_its_origin_and_is_to_name_itself() -> None:
    header = replace(HEADER, label="origin")
    assert decide(locked(header), COPY) == Unlock(header, adopt=True)
    assert "is that of volume origin" in str(refusal(locked(header)))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param(Header(1), "has not made", id="LUKS1"),
        pytest.param(replace(HEADER, subsystem=""), "has not made", id="somebody's own LUKS2"),
        pytest.param(replace(HEADER, label=""), "carries no volume id", id="no label"),
        pytest.param(replace(HEADER, requires=("online-reencrypt",)), "reencrypt --resume-only", id="re-encryption"),
        pytest.param(replace(HEADER, slots=()), "erased", id="no key any more"),
        pytest.param(None, "luksHeaderRestore", id="damaged"),
        pytest.param(replace(HEADER, malformed="it is not JSON"), "malformed: it is not JSON", id="malformed"),
        pytest.param(replace(HEADER, subsystem=NEW, slots=(), malformed="x"), "malformed: x", id="malformed and new"),
        pytest.param(replace(HEADER, tokens=("luks2-keyring",)), "token", id="not as its class makes it"),
        pytest.param(replace(HEADER, label="a\x1b[31m"), "volume a\\x1b", id="a label with control characters"),
    ],
)
def test_a_header_that_is_not_ours_or_not_whole_is_refused(header: Header | None, said: str) -> None:
    assert said in str(refusal(locked(header)))


def test_a_plain_file_system_is_refused_and_the_way_out_is_a_copy() -> None:
    error = refusal(Probe(FACTS, Signature("ext4", "filesystem"), Superblock("ext4", GIB, "uuid")))
    assert "holds a plain ext4" in error.message
    assert "copy its data" in error.remedy


def test_a_format_that_was_cut_short_before_it_had_a_key_is_made_anew_wherever_the_disk_is() -> None:
    assert decide(locked(replace(HEADER, subsystem=NEW, slots=()))) == Format(wipe=True)


def test_what_an_interrupted_format_leaves_is_formatted_while_the_device_stays_attached() -> None:
    noise = replace(BLANK, scan=ScanResult(0, first_data=32768))
    for half_made in (noise, replace(noise, scan=None), locked(None)):
        assert decide(half_made, intent=INTENT) == Format(wipe=True)
        for other in (replace(INTENT, boot="boot-0"), replace(INTENT, sequence="6"), replace(INTENT, sequence="")):
            if half_made.scan is not None or half_made.signature.kind:
                refusal(half_made, intent=other)


def test_the_remains_of_a_format_are_never_a_file_system() -> None:
    refusal(Probe(FACTS, Signature("ext4", "filesystem"), Superblock("ext4", GIB, "uuid")), intent=INTENT)


@pytest.mark.parametrize("probe", [BLANK, locked(replace(HEADER, subsystem=NEW, slots=()))], ids=["blank", "cut short"])
def test_a_volume_that_is_never_formatted_is_never_encrypted(probe: Probe) -> None:
    assert "never formatted" in str(refusal(probe, replace(VOLUME, never_format="so it is")))


PROBES = st.builds(
    Probe,
    st.just(FACTS),
    st.builds(
        lambda found, table, ambivalent: Signature(found[0], found[1], table, ambivalent=ambivalent),
        st.sampled_from([("", ""), ("crypto_LUKS", "crypto"), ("ext4", "filesystem"), ("LVM2_member", "raid")]),
        st.sampled_from(["", "gpt"]),
        st.booleans(),
    ),
    st.none(),
    st.one_of(
        st.none(), st.builds(ScanResult, st.just(4096), st.sampled_from([None, 0, 4711]), st.sampled_from([None, 0]))
    ),
    st.one_of(
        st.none(),
        st.builds(
            replace,
            st.just(HEADER),
            version=st.sampled_from([1, 2]),
            label=st.sampled_from(["", "id", "other"]),
            subsystem=st.sampled_from(["", NEW, IN_USE]),
            slots=st.sampled_from([(), HEADER.slots]),
            requires=st.sampled_from([(), ("online-reencrypt",)]),
            malformed=st.sampled_from(["", "it is not JSON"]),
        ),
    ),
)


@given(PROBES, st.sampled_from([None, INTENT, replace(INTENT, boot="boot-0")]), st.booleans())
def test_a_header_is_written_only_where_nobody_can_have_stored_anything(
    probe: Probe, intent: Intent | None, copied: bool
) -> None:
    try:
        decision = decide(probe, COPY if copied else VOLUME, intent)
    except errors.FailedPrecondition:
        return
    if isinstance(decision, Format):
        header = probe.header
        never_used = (
            header is not None
            and not header.malformed
            and (header.label, header.subsystem, header.slots) == ("id", NEW, ())
        )
        blank = header is None and probe.signature == Signature() and probe.scan == ScanResult(4096)
        ours = header is None and intent == INTENT and probe.signature.kind in {"", "crypto_LUKS"}
        assert never_used or blank or ours
        assert not copied


def inside(signature: Signature, block: Superblock | None = None) -> Probe:
    return Probe(Facts("dm-0", "253:0", 9 * GIB), signature, block)


def test_new_content_is_formatted_whatever_the_noise_looks_like() -> None:
    noise = [
        inside(Signature()),
        inside(Signature("ext4", "filesystem"), Superblock("ext4", 99 * GIB, "uuid")),
        inside(Signature("ext2", "filesystem"), Superblock("ext4", GIB, "uuid")),
        inside(Signature("minix", "filesystem")),
        inside(Signature(table="dos")),
        inside(Signature(ambivalent=True)),
        inside(Signature("xfs", "filesystem"), Superblock("xfs", 9 * GIB, "uuid", unfinished=True)),
    ]
    for probe in noise:
        assert encryption.decide_content(VOLUME, EXT4, probe, is_new=True) == Format(wipe=True)


def test_a_file_system_that_is_whole_is_used_even_if_the_header_still_says_new() -> None:
    made = inside(Signature("ext4", "filesystem"), Superblock("ext4", 9 * GIB, "uuid"))
    assert encryption.decide_content(VOLUME, EXT4, made, is_new=True) == Keep(grow=False)
    with pytest.raises(errors.FailedPrecondition, match="holds ext4, but xfs"):
        encryption.decide_content(VOLUME, Filesystem("xfs"), made, is_new=True)


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (inside(Signature()), "was in use, and holds no file system"),
        (inside(Signature("xfs", "filesystem"), Superblock("xfs", 9 * GIB, "uuid")), "holds xfs, but ext4"),
        (inside(Signature("LVM2_member", "raid")), "LVM2_member"),
        (inside(Signature("crypto_LUKS", "crypto")), "dm-0 holds crypto_LUKS"),
    ],
    ids=["nothing", "another file system", "a volume group", "a second encryption"],
)
def test_content_that_was_in_use_is_never_formatted(probe: Probe, said: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match=said):
        encryption.decide_content(VOLUME, EXT4, probe, is_new=False)


def test_new_content_of_a_copy_is_not_formatted() -> None:
    with pytest.raises(errors.FailedPrecondition, match="never formatted"):
        encryption.decide_content(COPY, EXT4, inside(Signature()), is_new=True)


def test_a_mapper_is_used_on_this_disk_and_header_alone() -> None:
    disk = replace(FACTS, holders=("dm-0",))
    assert encryption.decide_mapper(VOLUME, None, FACTS, HEADER) == Open(close=False)
    assert encryption.decide_mapper(VOLUME, MAPPER, disk, HEADER) == Reuse()
    assert encryption.decide_mapper(VOLUME, replace(MAPPER, disk=""), disk, HEADER) == Open(close=True)
    other_header = replace(HEADER, uuid="99999999-2222-3333-4444-555555555555")
    for mapper, facts, header in [
        (replace(MAPPER, disk="8:16"), disk, HEADER),
        (MAPPER, FACTS, HEADER),
        (MAPPER, disk, other_header),
    ]:
        with pytest.raises(errors.FailedPrecondition, match="cryptsetup close aiocsi-id"):
            encryption.decide_mapper(VOLUME, mapper, facts, header)


def test_what_is_written_on_disks_stays_as_it_is() -> None:
    assert (NEW, IN_USE, encryption.KIND) == ("aiocsi-new", "aiocsi", "luks2")


def test_a_long_id_has_a_label_and_a_mapper_that_fit() -> None:
    assert (encryption.label("x" * 47), len(encryption.label("x" * 48))) == ("x" * 47, 47)
    one, two = "a" * 100, "a" * 99 + "b"
    assert len(encryption.label(one)) == 47
    assert encryption.label(one) != encryption.label(two)
    assert len(encryption.mapper_name(one)) < 128
    assert encryption.mapper_name("id") == "aiocsi-id"


def test_only_an_encrypted_mapper_of_our_name_is_ours() -> None:
    assert encryption.is_ours(MAPPER.name, MAPPER.uuid)
    assert not encryption.is_ours("vg-data", "LVM-abc")
    assert not encryption.is_ours("aiocsi-id", "LVM-abc")
    assert not encryption.is_ours("backup", MAPPER.uuid)


@pytest.mark.parametrize("state", [NEW, IN_USE])
def test_an_encrypted_volume_is_not_handed_out_as_a_plain_one(state: str) -> None:
    plain = replace(VOLUME, encryption=None)
    with pytest.raises(errors.FailedPrecondition, match="is encrypted"):
        encryption.check_plain(plain, replace(HEADER, subsystem=state))
    with pytest.raises(errors.FailedPrecondition, match="is encrypted"):
        formatting.decide(plain, EXT4, locked(HEADER), None, BOOT)
    with pytest.raises(errors.FailedPrecondition, match="is encrypted"):
        encryption.check_plain(replace(plain, copied=True), replace(HEADER, subsystem=state, label="origin"))


@pytest.mark.parametrize(
    "header",
    [
        None,
        replace(HEADER, subsystem=""),
        replace(HEADER, label="other"),
        replace(HEADER, malformed="it is not JSON"),
        Header(1),
    ],
    ids=["none", "of the pod", "of another volume", "malformed", "LUKS1"],
)
def test_any_other_header_on_a_plain_raw_volume_is_the_pods(header: Header | None) -> None:
    encryption.check_plain(replace(VOLUME, encryption=None), header)
