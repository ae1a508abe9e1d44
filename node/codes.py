"""The node's codes of what goes wrong; docs/reference/codes.md has a section for each.

A code is never given a second meaning, nor a new number.
"""

from common.codes import ErrorCode


class Code(ErrorCode):
    """By what is at fault: device, content, encryption, mounts, growth, host."""

    DEVICE_MISSING = (
        "AIOCSI-N010",
        "wait some minutes; then compare the VolumeAttachment with the cloud's panel, and read dmesg of the node",
    )
    DEVICE_FOREIGN = (
        "AIOCSI-N011",
        "detach the volume and attach it again: delete the pods that use it; do not use the device by hand",
    )
    DEVICE_STATE = "AIOCSI-N012", "wait; then read dmesg of the node, and detach and attach the volume"
    DEVICE_SHORT = "AIOCSI-N013", "detach the volume and attach it again: delete the pods that use it"
    DEVICE_IN_USE = "AIOCSI-N014", "see with lsblk on the node who holds the device"
    DEVICE_SHARED = "AIOCSI-N015", "compare both PersistentVolumes: one has the wrong handle"
    DEVICE_UNREADABLE = "AIOCSI-N016", "read dmesg of the node; nothing was changed on the disk"
    DEVICE_ERRORS = "AIOCSI-N017", "read dmesg of the node; do not repair or format before the errors end"
    DEVICE_READ_ONLY = "AIOCSI-N018", "read dmesg of the node; detach the volume and attach it for writing"
    DEVICE_CHANGED = (
        "AIOCSI-N019",
        "nothing to do: the call is repeated; if that goes on, find out what detaches the volume",
    )
    WRITES_LOST = "AIOCSI-N020", "read dmesg of the node, and check the data of the application"
    USED_ELSEWHERE = (
        "AIOCSI-N021",
        "unmount it on the other host; if that host is gone, run tune2fs -f -E clear_mmp on the device",
    )

    OTHER_FILE_SYSTEM = (
        "AIOCSI-N030",
        "make the PersistentVolume again with the fsType that is on the volume (reclaim policy Retain first)",
    )
    NOT_FORMATTED = "AIOCSI-N031", "look at the device, and take a snapshot, before anything is wiped"
    NEVER_FORMATTED = "AIOCSI-N032", "wait if the volume is being restored; else make the file system by hand"
    FILE_SYSTEM_CUT = "AIOCSI-N033", "detach the volume and attach it again, or restore a snapshot; do not run fsck"
    FILE_SYSTEM_DAMAGED = "AIOCSI-N034", "take a snapshot, then run e2fsck -f on the device"
    CHECK_UNFINISHED = "AIOCSI-N035", "read dmesg of the node: memory, or I/O errors"
    JOURNAL_REPLAY = "AIOCSI-N036", "attach the volume for writing once"
    BTRFS_COPY = "AIOCSI-N037", "use the clone on another node, or run btrfstune -m on its device"
    SUPERBLOCK_OPTION = "AIOCSI-N038", "run tune2fs -E mount_opts= on the device"
    MOUNT_FAILED = "AIOCSI-N039", "read dmesg of the node; take a snapshot before a repair"

    WRONG_PASSPHRASE = "AIOCSI-N050", "put the passphrase back that the volume was made with"
    NO_PASSPHRASE = (
        "AIOCSI-N051",
        "name the Secret in the class; make a PersistentVolume that is there again with nodeStageSecretRef",
    )
    WRONG_PASSPHRASE_LENGTH = "AIOCSI-N052", "correct the passphrase in the Secret"
    ENCRYPTED_CONTENT = "AIOCSI-N053", "restore it with a class that encrypts, and with the Secret of its source"
    PLAIN_CONTENT = "AIOCSI-N054", "use it with a class that does not encrypt"
    HEADER_DAMAGED = "AIOCSI-N055", "restore the LUKS header from its copy"
    HEADER_FOREIGN = "AIOCSI-N056", "find out which volume the header is of, before anything is written"
    HEADER_UNEXPECTED = "AIOCSI-N057", "compare cryptsetup luksDump of the device with the class"
    HEADER_REENCRYPTION = "AIOCSI-N058", "run cryptsetup reencrypt --resume-only on the device"
    HEADER_WITHOUT_KEY = "AIOCSI-N059", "restore the LUKS header from its copy"
    HEADER_CHANGED = (
        "AIOCSI-N060",
        "nothing to do: the call is repeated; if that goes on, read dmesg of the node: the disk loses writes",
    )
    KEY_SLOTS_FULL = "AIOCSI-N061", "remove a key slot that is not used: docs/guides/encrypt.md"
    MAPPER = "AIOCSI-N062", "delete the pods that use the volume; then close its mapper"
    CRYPTSETUP_FAILED = "AIOCSI-N063", "read dmesg of the node: dm-crypt, the cipher, memory"
    CONTENT_LOST = "AIOCSI-N064", "use the volume with volumeMode Block, and look at what is on it"

    STAGED_OTHERWISE = "AIOCSI-N070", "delete the pods of the node that use the volume"
    FILE_SYSTEM_DEAD = "AIOCSI-N071", "delete the pods of the node that use the volume: it is then mounted again"
    SINGLE_WRITER = "AIOCSI-N072", "delete the other pod, or wait until it has ended"
    BLOCK_ACCESS = "AIOCSI-N073", "use one of both in all pods of the node"
    NOT_SHARED = "AIOCSI-N074", "set mountPropagation: Bidirectional in the DaemonSet"
    UNMOUNT_BUSY = "AIOCSI-N075", "end the process that has a file of the volume open"
    STILL_IN_USE = "AIOCSI-N076", "end what holds the device on the node: lsblk shows it"
    STILL_PUBLISHED = "AIOCSI-N077", "nothing to do: the call is repeated; if that goes on, see which pod does not end"
    FOREIGN_MOUNT = "AIOCSI-N078", "see with findmnt on the node what is at the path, and unmount it by hand"
    OUTSIDE_KUBELET = "AIOCSI-N079", "set kubeletPath of the chart to kubelet's --root-dir"
    PATH_UNUSABLE = "AIOCSI-N080", "see on the node what is at the path, and move it away: it is not on the volume"
    NOT_STAGED = "AIOCSI-N081", "nothing to do: kubelet stages the volume first; by hand, call NodeStageVolume"
    NOT_HERE = "AIOCSI-N082", "nothing to do: the volume has left this node"
    UNMOUNTING = "AIOCSI-N083", "nothing to do: the call is repeated"

    GROWTH_NOT_SEEN = (
        "AIOCSI-N090",
        "nothing to do for a minute: the call is repeated; then detach the volume and attach it again",
    )
    GROWTH_LIMIT = "AIOCSI-N091", "nothing to do on the volume: correct the size of the claim"
    GROWTH_FORBIDDEN = "AIOCSI-N092", "restart the pod: the file system grows when the volume is staged"
    USED_OTHERWISE = "AIOCSI-N093", "make the PersistentVolume again with the other volumeMode, or correct the caller"

    PROGRAM_HUNG = "AIOCSI-N100", "read dmesg of the node: the disk does not answer"
    PROGRAM_KILLED = (
        "AIOCSI-N101",
        "read dmesg of the node: out of memory? See node.resources.limits.memory of the chart",
    )
    PROGRAM_MISSING = "AIOCSI-N102", "use the driver's image"
    KERNEL_HUNG = (
        "AIOCSI-N103",
        "read dmesg of the node: the disk or the file system hangs; detach it, do not restart the driver",
    )
    THREADS = "AIOCSI-N104", "raise the container's limit of processes, or of memory"
    LEFTOVER_PROGRAM = "AIOCSI-N105", "nothing to do: the call is repeated when the program has ended"
    STATE = "AIOCSI-N106", "make room in kubelet's directory on the node"
    HOST_MOUNTS = "AIOCSI-N107", "use the DaemonSet of the chart"
    REGISTRATION = "AIOCSI-N108", "read kubelet's log: a second driver of this name, or a version that does not fit"
    PROGRAM_FAILED = "AIOCSI-N109", "read the program's words, and dmesg of the node"
