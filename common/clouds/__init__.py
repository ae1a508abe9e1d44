"""The clouds that the driver knows, by the name that AIOCSI_CLOUD gives them."""

from common.clouds import digitalocean
from common.clouds.facts import CloudFacts, DiskIdentity

CLOUDS: dict[str, CloudFacts] = {"digitalocean": digitalocean.FACTS}
DEFAULT = "digitalocean"
DISKS: tuple[DiskIdentity, ...] = tuple(disk for facts in CLOUDS.values() for disk in facts.disks)
