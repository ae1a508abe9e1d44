"""What is so of DigitalOcean Volumes.

Sources: DigitalOcean Volumes "Limits" (whole GiB, 1 GiB to 16 TiB; snapshots); API "volumes_create" (names) and
"tags_create" (tags).
"""

from controller.cloud.traits import Sizes, SnapshotLimits, TextRule, Traits

TRAITS = Traits(
    sizes=Sizes(smallest=1, largest=16384, default=16),
    names=TextRule("a-z", "a-z0-9-", 64, "lower-case letters, digits and '-', a letter first, at most 64"),
    labels=TextRule("A-Za-z0-9:_-", "A-Za-z0-9:_-", 255, "letters, digits, ':', '-' and '_', at most 255"),
    snapshots=SnapshotLimits(per_volume=25, interval_seconds=600.0),
)
