"""What is so of DigitalOcean: its disks, its metadata service and its API have these names."""

from common.clouds import CLOUDS, DEFAULT, DISKS
from common.clouds.facts import CloudFacts, DiskIdentity


def test_the_facts_are_those_that_digitalocean_documents() -> None:
    facts = CLOUDS[DEFAULT]
    assert facts == CloudFacts(
        "region",
        server_id="[1-9][0-9]{0,18}",
        snapshots=True,
        firmware_vendor="DigitalOcean",
        metadata_root="http://169.254.169.254/",
        metadata_id_path="metadata/v1/id",
        metadata_zone_path="metadata/v1/region",
        api_root="https://api.digitalocean.com/",
        disks=(DiskIdentity("DO", "Volume", "scsi-0DO_Volume_", by_id=False),),
    )
    assert facts.disks == DISKS
    assert facts.disks[0].told("id", "name") == "name"
    assert list(CLOUDS) == ["digitalocean"]
    assert DiskIdentity("HC", "Volume", "scsi-0HC_Volume_") == DiskIdentity("HC", "Volume", "scsi-0HC_Volume_", False)
