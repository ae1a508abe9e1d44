"""The warden's settings: read once from the environment, listed by --help with unit and default."""

import environ

from common import converters
from common.settings import PREFIX, Shared
from warden.rules.failover import Mode


@environ.config(prefix=PREFIX, frozen=True)
class WardenSettings(Shared):
    """What the warden reads from its environment; the endpoint is the controller's socket, which it asks."""

    namespace: str = environ.var(converter=converters.dns_label, help="namespace of the lease, which is the pod's")
    identity: str = environ.var("", help="holder of the lease; unset: the host's name, which is the pod's")
    failover_mode: str = environ.var(
        Mode.REPORT.value,
        converter=converters.choice(*(mode.value for mode in Mode)),
        help="what is done about a node that is lost with its volumes: off, report or taint",
    )
    failover_after_seconds: float = environ.var(
        60.0, converter=converters.seconds(10, 3600), help="how long a node is not ready before its server is looked at"
    )
    start_taint: bool = environ.var(
        False,
        converter=converters.boolean,
        help="take the taint DRIVER/agent-not-ready off a node once the driver is registered there with its limit",
    )
    drain_wait: bool = environ.var(
        False,
        converter=converters.boolean,
        help="tell the node service, by an annotation of its pod, that its node is being drained",
    )
    max_volumes: bool = environ.var(
        False,
        converter=converters.boolean,
        help="tell the node service how many volumes the annotation DRIVER/max-volumes of its Node allows",
    )
    failover_max_nodes: int = environ.var(
        1, converter=converters.integer(1, 100), help="how many nodes may be tainted at once"
    )
    health_seconds: float = environ.var(
        60.0,
        converter=converters.seconds(0, 86400),
        help="how often the controller is asked for the health of all volumes, seconds; 0: never",
    )
    health_conditions: bool = environ.var(
        True,
        converter=converters.boolean,
        help="write it to the status of claims, where the API server has the feature gate CSIVolumeHealth",
    )
    drift_seconds: float = environ.var(
        600.0,
        converter=converters.seconds(0, 86400),
        help="how often cluster and cloud are compared, seconds; 0: never. What is younger is left out",
    )
    drift_unused_days: int = environ.var(
        30, converter=converters.integer(0, 3650), help="how long no pod has used a claim that is told of, days"
    )
    tag: tuple[str, ...] = environ.var(
        (), converter=converters.tag_list, help="tags of all volumes of this cluster, comma-separated"
    )
