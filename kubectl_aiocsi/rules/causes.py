"""Which fault a message is about: by the driver's code where there is one, else by words of Kubernetes and the driver.

Sources: docs/reference/codes.md; the texts of external-provisioner 6.4, external-attacher 4.13, kubelet and scheduler
1.37 as events have them.
"""

import re
from dataclasses import dataclass

CODE = re.compile(r"AIOCSI-[A-Z][0-9]{3}")


@dataclass(frozen=True)
class Cause:
    """One fault that messages can be about; ``id`` is that of the check."""

    id: str
    codes: tuple[str, ...]
    words: str  # a pattern
    remedy: str


CAUSES = (
    Cause(
        "class-secret-missing",
        ("N051",),
        r"secrets? \S+ not found|error getting secret|failed to (get|find) (the )?secret|has no secret",
        "make the Secret that the class names, or correct the class: kubectl get storageclass CLASS -o yaml",
    ),
    Cause("rbac", (), r"is forbidden: User", "give the driver's service account its rights back: helm upgrade"),
    Cause(
        "token",
        ("C010", "C011", "C013"),
        r"refuses the API token|no API token|holds no token|token file .* is empty|API token that was not let in",
        "put a valid token into the Secret that cloud.token.existingSecret names",
    ),
    Cause(
        "token-scopes",
        ("C012",),
        r"give the API token the scopes|answered 403",
        "make a token with the scopes of docs/guides/install.md",
    ),
    Cause("account-limit", ("C051",), r"account's limit|volume limit", "delete volumes, or ask the cloud for more"),
    Cause("rate-limit", ("C014",), r"rate limit(?!er)", "wait for the hour to end; see who else uses the token"),
    Cause(
        "cloud-unreachable",
        ("C015",),
        r"no connection: |no answer in|no whole answer|has not let the API token in yet|the cloud answered 5\d\d"
        r"|with a body that cannot be used|which is not the API's own",
        "check that the controller's node reaches cloud.apiUrl: DNS, proxy, firewall",
    ),
    Cause(
        "volume-gone",
        ("C020",),
        r"there is no volume ",
        "the volume was deleted in the cloud: restore a snapshot, then delete the PersistentVolume",
    ),
    Cause(
        "server-gone",
        ("C022", "C046"),
        r"the cloud has no such server|there is no node ",
        "the droplet is gone: kubectl delete node NODE",
    ),
    Cause(
        "region",
        ("C032", "C036"),
        r"this controller serves|is in zone .* asked for|unknown topology key",
        "use a class, a snapshot or a volume of the cluster's region",
    ),
    Cause(
        "node-full",
        ("C050",),
        r"cannot attach more|exceed max volume count|max volume count",
        "move pods, or add a node: a droplet takes a limited number of volumes",
    ),
    Cause(
        "snapshot-limit",
        ("C052",),
        r"snapshot limit|too many snapshots|snapshot every|per (\d+h)?\d+m\d+s",
        "delete old snapshots of the volume, or wait ten minutes",
    ),
    Cause(
        "attached-elsewhere",
        ("C040", "C045"),
        r"Multi-Attach error|is attached to (node|another)|already exclusively attached",
        "delete the pod on the other node; if that node is off: kubectl aiocsi why NODE",
    ),
    Cause(
        "disk-foreign",
        ("N011", "N030", "N031", "N032", "N053", "N054", "N056", "N057"),
        r"is not formatted|is not volume |holds .* but .* is asked for|is never formatted|header .* has not made",
        "look at the device before anything else: docs/guides/volume-refuses-to-mount.md",
    ),
    Cause(
        "filesystem-damaged",
        ("N033", "N034", "N035", "N055", "N059", "N064", "N071"),
        r"file system of volume \S+ (has errors|is dead|says that it has errors)|LUKS header .* damaged|is dead where",
        "take a snapshot first, then follow docs/guides/volume-refuses-to-mount.md",
    ),
    Cause(
        "device-errors",
        ("N012", "N016", "N017", "N020", "N103"),
        r"cannot be read at byte|I/O error|is in state (offline|blocked)",
        "look at the kernel's log of the node, then detach and attach: delete the pods that use the volume",
    ),
    Cause(
        "device-missing",
        ("N010", "N013"),
        r"the device of volume \S+ (is gone|is not there)|the device .* is not there|no device",
        "the disk is not on the node: kubectl get volumeattachments; delete the pod, and it is attached again",
    ),
    Cause(
        "device-busy",
        ("N014", "N021", "N062", "N075", "N076", "N077", "N078", "N093"),
        r"is in use|busy|is still published",
        "see who holds it: docs/guides/volume-refuses-to-mount.md",
    ),
    Cause(
        "passphrase",
        ("N050", "N052"),
        r"passphrase",
        "put the passphrase back that the volume was made with: docs/guides/encrypt.md",
    ),
    Cause(
        "class-parameters",
        ("G011", "G012", "G013", "G014", "G015", "G016", "C031", "C034", "C035"),
        r"code = (InvalidArgument|OutOfRange)",
        "correct the StorageClass or the claim; a class is replaced, not changed",
    ),
)
BY_ID = {cause.id: cause for cause in CAUSES}
_PATTERNS = [(cause, re.compile(cause.words)) for cause in CAUSES]


def cause_of(message: str, otherwise: str) -> str:
    """Return the id of the fault that a message is about, ``otherwise`` if it is not told."""
    codes = {code.removeprefix("AIOCSI-") for code in CODE.findall(message)}
    by_code = next((cause.id for cause in CAUSES if codes & set(cause.codes)), "")
    return by_code or next((cause.id for cause, pattern in _PATTERNS if pattern.search(message)), otherwise)


def remedy_of(cause: str) -> str:
    """Return what to do about a fault that messages are about, empty for another."""
    return BY_ID[cause].remedy if cause in BY_ID else ""
