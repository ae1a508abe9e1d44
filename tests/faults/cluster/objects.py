"""The objects of the API server, as far as volumes need them. What they say survives every process."""

from dataclasses import dataclass, field

from csi_proto.csi import v1 as csi

GIB = 1 << 30


@dataclass(eq=False)
class Claim:
    """A PersistentVolumeClaim and, once it is bound, its PersistentVolume."""

    number: int
    name: str
    capability: csi.VolumeCapability
    size_gib: int
    source: "Claim | Snap | None" = None
    volume: csi.Volume | None = None
    in_background: bool = False  # the provisioner does not know what became of its last CreateVolume
    deleted: bool = False  # somebody wants it gone
    removing: bool = False  # DeleteVolume was sent
    gone: bool = False
    wanted_gib: int = 0  # a size that the resizer has to reach; 0: none
    node_wanted_gib: int = 0  # a size that kubelet has to reach
    given_gib: int = 0  # what was acknowledged
    synced: list[int] = field(default_factory=list)  # records that the driver's user was told are safe
    at_start: list[int] = field(default_factory=list)  # what a copy must begin with, at least
    at_most: list[int] = field(default_factory=list)
    pod: "Pod | None" = None

    @property
    def volume_id(self) -> str:
        """The volume handle."""
        assert self.volume is not None, self.name
        return self.volume.volume_id

    @property
    def is_block(self) -> bool:
        """Whether it is used as a raw block device."""
        return self.capability.block is not None


@dataclass(eq=False)
class Snap:
    """A VolumeSnapshot with its content."""

    name: str
    claim: Claim
    snapshot_id: str = ""
    in_background: bool = False
    deleted: bool = False
    gone: bool = False
    given_up: bool = False
    at_least: list[int] = field(default_factory=list)
    at_most: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Pod:
    """A pod that uses a claim on a host."""

    claim: Claim
    host: int
    deleting: bool = False
    gone: bool = False
    running: bool = False
    published: str = ""  # "", "uncertain", "yes"; kubelet finds it again by the folders on its disk


@dataclass(eq=False)
class Attachment:
    """A VolumeAttachment."""

    claim: Claim
    host: int
    attached: bool = False
    deleting: bool = False
    forced: bool = False  # the controller did not wait for kubelet
    gone: bool = False
    force_sync: bool = False
    publish_context: dict[str, str] = field(default_factory=dict)


class Store:
    """All objects."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.snaps: list[Snap] = []
        self.pods: list[Pod] = []
        self.attachments: list[Attachment] = []

    def attachment(self, claim: Claim, host: int) -> Attachment | None:
        """Return the attachment of a claim's volume to a host."""
        return next((each for each in self.attachments if each.claim is claim and each.host == host), None)

    def attachments_of(self, claim: Claim) -> list[Attachment]:
        """Return all attachments of a claim's volume."""
        return [each for each in self.attachments if each.claim is claim]
