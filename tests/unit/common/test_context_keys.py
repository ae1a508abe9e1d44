"""The keys by which a volume is told of outlive every process: PersistentVolumes and attachments hold them."""

from common import context_keys


def test_the_keys_are_those_that_volumes_and_attachments_were_made_with() -> None:
    assert context_keys.NOFORMAT_KEYS == ("dobs.csi.digitalocean.com/noformat", "com.digitalocean.csi.dobs/noformat")
    assert [
        context_keys.volume_name_key("a"),
        context_keys.volume_size_key("b"),
        context_keys.volume_seal_key("c"),
        context_keys.volume_origin_key("d"),
    ] == ["a/volume-name", "b/volume-size-bytes", "c/volume-seal", "d/volume-origin"]
    assert sorted(context_keys.FORMAT_PARAMETERS | context_keys.ENCRYPTION_PARAMETERS) == [
        "blockSize",
        "bytesPerInode",
        "encryption",
        "encryptionCipher",
        "encryptionDiscards",
        "encryptionKeySize",
        "encryptionPbkdf",
        "encryptionPbkdfIterations",
        "encryptionPbkdfMemory",
        "encryptionSectorSize",
        "inodeSize",
        "label",
        "reservedPercent",
    ]
