"""The regions of the cloud.

Source: DigitalOcean API "regions_list" (slugs and names; the sizes are a short selection).
"""

from dataclasses import dataclass

SIZES = ("s-1vcpu-1gb", "s-2vcpu-2gb", "s-4vcpu-8gb")
FEATURES = ("backups", "ipv6", "metadata", "install_agent", "image_transfer")
NAMES = {
    "ams3": "Amsterdam 3",
    "blr1": "Bangalore 1",
    "fra1": "Frankfurt 1",
    "lon1": "London 1",
    "nyc1": "New York 1",
    "nyc2": "New York 2",
    "nyc3": "New York 3",
    "sfo2": "San Francisco 2",
    "sfo3": "San Francisco 3",
    "sgp1": "Singapore 1",
    "syd1": "Sydney 1",
    "tor1": "Toronto 1",
}


@dataclass(frozen=True)
class RegionInfo:
    """A region; without ``storage`` among its features it has no volumes."""

    slug: str
    name: str
    features: tuple[str, ...]
    sizes: tuple[str, ...]


def region_info(slug: str, *, storage: bool = True) -> RegionInfo:
    """Return a region by its slug."""
    features = ("storage", *FEATURES) if storage else FEATURES
    return RegionInfo(slug, NAMES.get(slug, slug), features, SIZES)
