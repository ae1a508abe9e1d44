"""Each volume's metrics: a bounded number of series, read from memory and from /sys, never from its file system.

``persistentvolume`` joins them with those of kube-state-metrics (kube_persistentvolume_claim_ref), ``device`` with
those of the node exporter.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from node.host.sysfs import Sysfs
from node.records.findings import Finding, Usage
from node.records.kernel import IoCounts
from node.refusals import Refusals
from node.volume_watch import Sample, VolumeWatch

_KEYS = ("persistentvolume", "volume_id")
_GAUGES = {
    "aiocsi_volume_size_bytes": "Size of the volume's file system, or of the device of a raw block volume, bytes.",
    "aiocsi_volume_used_bytes": "Bytes that are in use in the volume's file system.",
    "aiocsi_volume_available_bytes": "Bytes that are available in the volume's file system to unprivileged users.",
    "aiocsi_volume_inodes": "Inodes of the volume's file system; missing where it has no fixed number of them.",
    "aiocsi_volume_inodes_used": "Inodes that are in use in the volume's file system.",
    "aiocsi_volume_io_in_flight": "Commands that the volume's disk has not answered yet.",
}
_COUNTERS = {
    "aiocsi_volume_reads_completed": "Reads that the volume's disk has completed.",
    "aiocsi_volume_writes_completed": "Writes that the volume's disk has completed.",
    "aiocsi_volume_read_bytes": "Bytes read from the volume's disk.",
    "aiocsi_volume_written_bytes": "Bytes written to the volume's disk.",
    "aiocsi_volume_read_seconds": "Time that reads of the volume's disk took, seconds.",
    "aiocsi_volume_write_seconds": "Time that writes of the volume's disk took, seconds.",
    "aiocsi_volume_io_seconds": "Time in which the volume's disk had commands to answer, seconds.",
    "aiocsi_volume_io_errors": "Commands that the volume's disk has answered with an error (SCSI).",
}


class VolumeMetrics(Collector):
    """Shows what was seen of each volume."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._watch: VolumeWatch | None = None
        self._sysfs = Sysfs()
        self._refusals = Refusals()
        registry.register(self)

    def watch(self, volumes: VolumeWatch, sysfs: Sysfs, refusals: Refusals) -> None:
        """Show these volumes from now on."""
        self._watch, self._sysfs, self._refusals = volumes, sysfs, refusals

    def collect(self) -> Iterator[Metric]:
        """Yield all families, also those without a sample."""
        samples = () if self._watch is None else self._watch.samples()
        staged = 0 if self._watch is None else self._watch.staged
        yield GaugeMetricFamily("aiocsi_volumes_staged", "Volumes that are staged on this node.", value=staged)
        yield _info(samples)
        values = [(_key(sample), self._values(sample)) for sample in samples]
        yield from _families(GaugeMetricFamily, _GAUGES, values)
        yield from _families(CounterMetricFamily, _COUNTERS, values)
        yield self._health(samples)

    def _values(self, sample: Sample) -> dict[str, float]:
        values = {} if sample.usage is None else _of_usage(sample.usage)
        counts = None if sample.disk is None else self._sysfs.io(sample.disk.number)
        if counts is not None and sample.disk is not None and counts.sequence == sample.disk.sequence:
            values |= _of_disk(counts)  # else another disk has the number by now
        return values

    def _health(self, samples: tuple[Sample, ...]) -> Metric:
        family = GaugeMetricFamily(
            "aiocsi_volume_health",
            "1 for each thing that is wrong with a volume here, by status and reason of volume health.",
            labels=(*_KEYS, "status", "reason"),
        )
        found: dict[tuple[str, ...], None] = {}
        for sample in samples:
            found |= dict.fromkeys(_labels(_key(sample), sample.findings))
        staged = {sample.record.volume_id for sample in samples}
        for volume_id, name in self._refusals.volumes():
            if volume_id not in staged:
                found |= dict.fromkeys(_labels((name, volume_id), self._refusals.of(volume_id)))
        for labels in found:
            family.add_metric(labels, 1)
        return family


def _info(samples: tuple[Sample, ...]) -> Metric:
    family = GaugeMetricFamily(
        "aiocsi_volume_info",
        "Always 1; the labels tell device, file system (or block), and whether the volume is encrypted.",
        labels=(*_KEYS, "device", "fstype", "encrypted"),
    )
    for sample in samples:
        device = "" if sample.disk is None else sample.disk.kernel_name
        encrypted = "true" if sample.record.disk else "false"
        family.add_metric((*_key(sample), device, sample.record.kind or "block", encrypted), 1)
    return family


def _key(sample: Sample) -> tuple[str, str]:
    return sample.persistent_volume, sample.record.volume_id


def _labels(key: tuple[str, str], findings: tuple[Finding, ...]) -> list[tuple[str, ...]]:
    return [(*key, finding.severity, finding.reason) for finding in findings]


def _families(
    make: type[GaugeMetricFamily | CounterMetricFamily],
    table: Mapping[str, str],
    values: list[tuple[tuple[str, str], dict[str, float]]],
) -> Iterator[Metric]:
    for name, told in table.items():
        family = make(name, told, labels=_KEYS)
        for key, of_volume in values:
            if name in of_volume:
                family.add_metric(key, of_volume[name])
        yield family


def _of_usage(usage: Usage) -> dict[str, float]:
    size: dict[str, float] = {"aiocsi_volume_size_bytes": usage.total_bytes}
    if usage.block:
        return size
    size |= {"aiocsi_volume_used_bytes": usage.used_bytes, "aiocsi_volume_available_bytes": usage.available_bytes}
    if usage.total_inodes:
        size |= {"aiocsi_volume_inodes": usage.total_inodes, "aiocsi_volume_inodes_used": usage.used_inodes}
    return size


def _of_disk(counts: IoCounts) -> dict[str, float]:
    return {
        "aiocsi_volume_reads_completed": counts.reads,
        "aiocsi_volume_writes_completed": counts.writes,
        "aiocsi_volume_read_bytes": counts.read_bytes,
        "aiocsi_volume_written_bytes": counts.written_bytes,
        "aiocsi_volume_read_seconds": counts.read_seconds,
        "aiocsi_volume_write_seconds": counts.write_seconds,
        "aiocsi_volume_io_seconds": counts.io_seconds,
        "aiocsi_volume_io_in_flight": counts.in_flight,
        "aiocsi_volume_io_errors": counts.errors,
    }
