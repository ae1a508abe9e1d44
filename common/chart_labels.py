"""The labels by which the chart marks the driver's objects, read by whoever looks for them in a cluster."""

DRIVER = "aiocsi.dev/driver"
COMPONENT = "app.kubernetes.io/component"


def is_part(component: str, part: str) -> bool:
    """Tell whether a value of ``COMPONENT`` is of ``controller`` or ``node``; a set of nodes has ``node-NAME``."""
    return component == part or component.startswith(f"{part}-")
