"""What is done with a volume that is to be encrypted, decided without I/O.

A LUKS header is made where a file system would be: on a device that is blank beyond doubt, or on the remains of our own
interrupted format. The header then says itself what the volume is and how far it has come: its label is the volume's
id, its subsystem says whether the content was ever in use. Both go wherever the disk goes, and are changed in one
write. While the content is new no one can have stored anything in it, so a file system may be made; what is in it then
reads as noise, and proves nothing (decision 0012).

Sources: cryptsetup-luksFormat(8), cryptsetup-config(8).
"""

import hashlib
from dataclasses import dataclass

from common import errors
from common.encryption import Encryption
from node.codes import Code
from node.records.kernel import Facts, Mapper
from node.records.luks import Header
from node.records.probes import Probe
from node.records.requests import Filesystem, VolumeSpec
from node.records.state import Intent
from node.rules import formatting, header_limits
from node.rules.formatting import Format, Keep, ScanFirst

NEW, IN_USE = "aiocsi-new", "aiocsi"
KIND = "luks2"  # of an intent

_LABEL_BYTES = 47  # of a label or subsystem, which ends with a zero byte
_MAPPER = "aiocsi-"
_STACK = "CRYPT-LUKS2-"


@dataclass(frozen=True)
class Unlock:
    """The header is the volume's."""

    header: Header
    adopt: bool  # it names what the volume was copied from, and is to name the volume


@dataclass(frozen=True)
class Open:
    """No mapper is open. ``close`` tells that one of the name is to be removed first: a disk that is gone is below."""

    close: bool


@dataclass(frozen=True)
class Reuse:
    """The mapper is open on this very disk and header."""


def label(volume_id: str) -> str:
    """Return what a header says of whose it is: the id, or a hash of one that does not fit."""
    return (
        volume_id if len(volume_id) <= _LABEL_BYTES else hashlib.sha256(volume_id.encode()).hexdigest()[:_LABEL_BYTES]
    )


def mapper_name(volume_id: str) -> str:
    """Return the name of the volume's mapper."""
    return _MAPPER + label(volume_id)


def is_ours(name: str, stack: str) -> bool:
    """Tell whether a device-mapper device of this name and UUID is one that this driver opens."""
    return name.startswith(_MAPPER) and stack.startswith(_STACK)


def decide(volume: VolumeSpec, probe: Probe, intent: Intent | None, boot: str) -> Unlock | ScanFirst | Format:
    """Say what to do with the device. Raises FailedPrecondition if the answer is: nothing."""
    resumed = intent is not None and formatting.is_ours(intent, volume, probe, boot)
    formatting.refuse_what_is_unreadable(volume, probe)
    found = probe.signature
    if probe.header is not None:
        return _known(volume, probe, probe.header)
    if resumed and found.kind in {"", formatting.LUKS}:
        return formatting.permit(volume, probe, wipe=True)
    if found.kind == formatting.LUKS:
        raise errors.FailedPrecondition(
            f"the LUKS header of volume {volume.id} is damaged",
            remedy="restore it from a backup (cryptsetup luksHeaderRestore); a format that a power failure cut short "
            f"leaves such a header, too: if nothing was ever stored, {formatting.wiping(volume)}",
            error_code=Code.HEADER_DAMAGED,
        )
    if found.usage == "filesystem":
        raise errors.FailedPrecondition(
            f"volume {volume.id} is to be encrypted, and holds a plain {found.kind}",
            remedy="use it with a class that has no encryption, and copy its data to a new, encrypted volume",
            error_code=Code.PLAIN_CONTENT,
        )
    return formatting.decide_blank(volume, probe, intent)


def _known(volume: VolumeSpec, probe: Probe, header: Header) -> Unlock | Format:
    """Decide by a header that is whole."""
    if header.malformed and not header.requires:
        raise _unusable(volume.id, f"it is malformed: {header.malformed}")
    named = _is_named(volume, header)
    if header.requires:
        raise errors.FailedPrecondition(
            f"the LUKS header of volume {volume.id} asks for {', '.join(header.requires)}",
            remedy="a re-encryption is under way: finish it with cryptsetup reencrypt --resume-only",
            error_code=Code.HEADER_REENCRYPTION,
        )
    if header.slots:
        check_header(volume.id, header, volume.encryption, probe.facts.size_bytes, copied=volume.copied)
        return Unlock(header, adopt=not named)
    if named and header.subsystem == NEW:  # without a key nobody ever wrote to it; and it says so itself
        return formatting.permit(volume, probe, wipe=True)
    raise errors.FailedPrecondition(
        f"the LUKS header of volume {volume.id} has no key slots left: they were erased",
        remedy="restore the header from a backup (cryptsetup luksHeaderRestore); without one the data is lost",
        error_code=Code.HEADER_WITHOUT_KEY,
    )


def _is_named(volume: VolumeSpec, header: Header) -> bool:
    """Tell whether the header says that it is this volume's. Raises FailedPrecondition if it is another's."""
    if header.version != 2 or header.subsystem not in {NEW, IN_USE}:
        raise errors.FailedPrecondition(
            f"volume {volume.id} holds a LUKS{header.version} header that this driver has not made",
            remedy="if it is meant to be this volume's, make it LUKS2 (cryptsetup convert), and name it: "
            f"{_naming(volume)}",
            error_code=Code.HEADER_FOREIGN,
        )
    named = header.label == label(volume.id)
    if not named and not volume.copied:
        raise errors.FailedPrecondition(
            f"the LUKS header of volume {volume.id} {_owner(header.label)}",
            remedy=f"if this is a copy that was made outside of the driver, name it: {_naming(volume)}",
            error_code=Code.HEADER_FOREIGN,
        )
    return named


def check_header(
    volume_id: str, header: Header, asked: Encryption | None, disk_bytes: int, *, copied: bool = False
) -> None:
    """Raise FailedPrecondition unless a program may obey the header: see ``header_limits``."""
    if problem := header_limits.problem(header, asked, disk_bytes, copied=copied):
        raise _unusable(volume_id, problem)


def _unusable(volume_id: str, problem: str) -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        f"the LUKS header of volume {volume_id} is not one that its class makes: {problem}",
        remedy="if you have changed it, or made it by hand, name in the class what it has (encryptionCipher, …), or "
        "change it back; else restore it from a backup (cryptsetup luksHeaderRestore): the disk was written to",
        error_code=Code.HEADER_UNEXPECTED,
    )


def _owner(label_: str) -> str:
    return f"is that of volume {label_.encode('unicode_escape').decode()}" if label_ else "carries no volume id"


def _naming(volume: VolumeSpec) -> str:
    named = f"--label {label(volume.id)} --subsystem {IN_USE}"
    return f"cryptsetup config {named} {formatting.volume_link(volume)}"


def decide_content(volume: VolumeSpec, wanted: Filesystem, probe: Probe, *, is_new: bool) -> Keep | Format:
    """Say what to do with an open mapper's content. Raises FailedPrecondition if the answer is: nothing.

    New content is noise, in which blkid may see a mark by chance: only a file system that its own superblock bears out
    counts, one that was made just before the node died.
    """
    found, block = probe.signature, probe.superblock
    whole = block is not None and not block.unfinished and block.size_bytes <= probe.facts.size_bytes
    if is_new and not (whole and block is not None and block.kind == found.kind):
        return formatting.permit(volume, probe, wipe=True)
    if not is_new and not found.kind:
        raise errors.FailedPrecondition(
            f"volume {volume.id} is encrypted and was in use, and holds no file system",
            remedy="it was a raw block device, or a program has overwritten it; use it as a raw block device to look",
            error_code=Code.CONTENT_LOST,
        )
    return formatting.use(volume, wanted, probe)


def decide_mapper(volume: VolumeSpec, mapper: Mapper | None, disk: Facts, header: Header) -> Open | Reuse:
    """Say whether the volume's mapper is open. Raises FailedPrecondition if it is open on something else."""
    if mapper is None:
        return Open(close=False)
    if not mapper.disk:
        return Open(close=True)
    stack = f"{_STACK}{header.uuid.replace('-', '')}-{mapper.name}"
    if mapper.disk == disk.number and mapper.kernel_name in disk.holders and mapper.uuid == stack:
        return Reuse()
    raise errors.FailedPrecondition(
        f"mapper {mapper.name} of volume {volume.id} is open on device {mapper.disk}, or on another header",
        remedy=f"find out who opened it, and close it: cryptsetup close {mapper.name}",
        error_code=Code.MAPPER,
    )


def check_plain(volume: VolumeSpec, header: Header | None) -> None:
    """Raise FailedPrecondition if a volume is to be used as it is, and this driver has encrypted it, or its origin.

    Any other header on a raw block device, be it malformed, is the pod's.
    """
    if header is None or header.malformed or header.subsystem not in {NEW, IN_USE}:
        return
    if header.label == label(volume.id) or volume.copied:
        raise formatting.encrypted(volume)
