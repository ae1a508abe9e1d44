"""Facts of DigitalOcean. Sources: DigitalOcean Metadata API; API v2; the topology key is that of csi-digitalocean."""

from common.clouds.facts import CloudFacts, DiskIdentity

FACTS = CloudFacts(
    zone_key="region",
    server_id="[1-9][0-9]{0,18}",
    snapshots=True,
    firmware_vendor="DigitalOcean",
    metadata_root="http://169.254.169.254/",
    metadata_id_path="metadata/v1/id",
    metadata_zone_path="metadata/v1/region",
    api_root="https://api.digitalocean.com/",
    disks=(DiskIdentity("DO", "Volume", "scsi-0DO_Volume_"),),
)
