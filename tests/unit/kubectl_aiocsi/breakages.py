"""Breakages made on purpose: how the cluster then looks, which check names each, and which link is broken."""

from dataclasses import dataclass

from tests.unit.kubectl_aiocsi import ways
from tests.unit.kubectl_aiocsi.ways import (
    Way,
    attaching,
    controllers_say,
    mounting,
    provisioning,
    refused,
    snapshot_waits,
)

POD, CLAIM, VOLUME, NODE = ("pod", "web"), ("pvc", "orders"), ("pv", "pv-orders"), ("node", "one")


@dataclass(frozen=True)
class Breakage:
    """One way to break a healthy cluster; ``link`` and ``cause`` are what ``why`` says of ``asked``."""

    id: str
    make: Way
    link: str = ""
    cause: str = ""
    asked: tuple[str, str] = POD
    note: str = ""  # tells two with one id apart

    def __str__(self) -> str:
        return f"{self.id} {self.note}".strip()


NOT_FOUND = 'failed to provision volume: error getting secret key in namespace shop: secrets "key" not found'
BREAKAGES = (
    Breakage("driver-missing", ways.not_installed, "claim", "driver-missing"),
    Breakage("two-drivers", ways.predecessor_is_there),
    Breakage("two-drivers", ways.other_owner, note="by the CSIDriver"),
    Breakage("token-secret", ways.no_token_secret, "claim", "claim-stuck"),
    Breakage(
        "token",
        controllers_say("the cloud refuses the API token; put a valid token into its Secret"),
        "claim",
        "claim-stuck",
    ),
    Breakage(
        "token",
        provisioning(refused("Unavailable", "the cloud refuses the API token")),
        "claim",
        "token",
        note="by a claim",
    ),
    Breakage(
        "cloud-unreachable",
        controllers_say("GET account: no connection: refused by 127.0.0.1:1"),
        "claim",
        "claim-stuck",
    ),
    Breakage("token-scopes", ways.no_scope),
    Breakage(
        "token-scopes",
        provisioning(
            refused(
                "FailedPrecondition", "POST volumes: 403 (remedy: give the API token the scopes that the driver needs)"
            )
        ),
        "claim",
        "token-scopes",
        note="by a claim",
    ),
    Breakage("rate-limit", ways.few_requests_left),
    Breakage("rbac", ways.no_role, "attachment", "va-stuck"),
    Breakage("rbac", ways.role_cut_short, note="a role without rules"),
    Breakage("crd-snapshots", ways.no_snapshot_crds),
    Breakage("region", ways.other_region),
    Breakage(
        "region",
        provisioning(
            refused("ResourceExhausted", "volume pvc-1 is asked for in zone fra1, and this controller serves nyc1")
        ),
        "claim",
        "region",
        note="by a claim",
    ),
    Breakage("controller-down", ways.image_missing, "claim", "claim-stuck"),
    Breakage("controller-down", ways.scaled_to_nothing, note="no replicas"),
    Breakage("leases", ways.lease_stuck, "attachment", "va-stuck"),
    Breakage("csinode-missing", ways.not_registered, "server", "csinode-missing"),
    Breakage("kubelet-path", ways.wrong_kubelet_path, "server", "csinode-missing"),
    Breakage("node-plugin-down", ways.plugin_crashes, "server", "node-plugin-down"),
    Breakage("node-lost", ways.node_off, "attachment", "attached-elsewhere"),
    Breakage("node-lost", ways.node_off, "server", "node-lost", NODE, note="asked for the node"),
    Breakage("node-lost", ways.node_deleted, "server", "node-lost", note="its object is gone"),
    Breakage("taint-stuck", ways.taint_forgotten),
    Breakage("limit-mismatch", ways.limit_told(20)),
    Breakage("limit-mismatch", ways.limit_told(0), note="more are attached"),
    Breakage("limit-mismatch", ways.limit_told(None), note="none is told"),
    Breakage("automount-rule", ways.rule_kept),
    Breakage("sidecar-skew", ways.old_attacher),
    Breakage("version-skew", ways.two_versions),
    Breakage("pv-released", ways.volume_left, "volume", "pv-released", ("pv", "pv-left")),
    Breakage("pv-released", ways.delete_fails, "volume", "pv-released", ("pv", "pv-left"), note="its delete fails"),
    Breakage("default-class", ways.two_defaults),
    Breakage("class-secret-missing", provisioning(NOT_FOUND), "claim", "class-secret-missing"),
    Breakage(
        "account-limit",
        provisioning(
            refused(
                "ResourceExhausted",
                "POST volumes: 403 (remedy: delete volumes, or ask the cloud to raise the account's limit)",
            )
        ),
        "claim",
        "account-limit",
    ),
    Breakage(
        "class-parameters", provisioning(refused("InvalidArgument", "blockSize is 999")), "claim", "class-parameters"
    ),
    Breakage("volume-gone", attaching(refused("NotFound", "there is no volume 1cdb2c84")), "attachment", "volume-gone"),
    Breakage(
        "server-gone",
        attaching(refused("NotFound", "there is no node 42: the cloud has no such server")),
        "attachment",
        "server-gone",
    ),
    Breakage(
        "node-full",
        attaching(refused("ResourceExhausted", "cannot attach more volumes to the Droplet")),
        "attachment",
        "node-full",
    ),
    Breakage("node-full", ways.no_room, "server", "node-full", note="by the scheduler"),
    Breakage(
        "attached-elsewhere",
        attaching(refused("FailedPrecondition", "volume 1cdb is attached to node 43")),
        "attachment",
        "attached-elsewhere",
    ),
    Breakage(
        "disk-foreign",
        mounting(refused("FailedPrecondition", "volume 1cdb is not formatted: its device sda holds ntfs")),
        "device",
        "disk-foreign",
    ),
    Breakage(
        "filesystem-damaged",
        mounting(
            refused(
                "FailedPrecondition", "the file system of volume 1cdb has errors that only a person can decide on: x"
            )
        ),
        "device",
        "filesystem-damaged",
    ),
    Breakage(
        "device-errors",
        mounting(refused("Unavailable", "device sda of volume 1cdb cannot be read at byte 0: I/O error")),
        "device",
        "device-errors",
    ),
    Breakage(
        "device-missing",
        mounting(refused("Unavailable", "AIOCSI-N010: the disk of volume 1cdb did not come")),
        "device",
        "device-missing",
    ),
    Breakage(
        "device-busy",
        mounting(refused("FailedPrecondition", "/dev/sda of volume 1cdb is in use by dm-3")),
        "device",
        "device-busy",
    ),
    Breakage(
        "passphrase",
        mounting(refused("FailedPrecondition", "AIOCSI-N050: the passphrase opens no key slot")),
        "device",
        "passphrase",
    ),
    Breakage("claim-lost", ways.volume_object_gone, "claim", "claim-lost"),
    Breakage("class-missing", ways.class_gone, "claim", "class-missing"),
    Breakage("claim-stuck", ways.waits_for_nobody, "claim", "claim-stuck"),
    Breakage("expand-stuck", ways.growth_refused, "claim", "expand-stuck", CLAIM),
    Breakage("expand-stuck", ways.growth_on_node, "claim", "expand-stuck", CLAIM, note="on the node"),
    Breakage("va-stuck", attaching(""), "attachment", "va-stuck", VOLUME),
    Breakage("va-stuck", ways.detach_stuck, "attachment", "va-stuck", note="detaching"),
    Breakage("mount-stuck", mounting("permission denied", where="SetUp"), "mount", "mount-stuck"),
    Breakage("pod-terminating", ways.mount_kept, "mount", "pod-terminating"),
    Breakage("snapshot-limit", snapshot_waits("rpc error: one snapshot every 10 minutes")),
    Breakage("snapshot-stuck", snapshot_waits("")),
)
