"""Tags: from the cluster's setting and the StorageClass, with templates filled from the claim's name and namespace.

Which texts are labels is a trait of the cloud. Users set them as "tags".
"""

import re
from collections.abc import Mapping

from common import errors
from controller.cloud.traits import TextRule

CLAIM_NAME = "csi.storage.k8s.io/pvc/name"
CLAIM_NAMESPACE = "csi.storage.k8s.io/pvc/namespace"
VOLUME_NAME = "csi.storage.k8s.io/pv/name"
PLACEHOLDERS = {
    "${pvc.name}": CLAIM_NAME,
    "${pvc.namespace}": CLAIM_NAMESPACE,
    "${pv.name}": VOLUME_NAME,
}

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


def parse(text: str, rule: TextRule, parameters: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the labels of a comma-separated list. Raises InvalidArgument, which names the one that is none."""
    wanted = (_fill(part.strip(), rule, parameters or {}) for part in text.split(",") if part.strip())
    return tuple(dict.fromkeys(_check(label, rule) for label in wanted))


def _fill(template: str, rule: TextRule, parameters: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        key = PLACEHOLDERS.get(match.group())
        if key is None:
            raise errors.InvalidArgument(
                f"the tag {template!r} has an unknown placeholder", remedy=f"known are {', '.join(PLACEHOLDERS)}"
            )
        if key not in parameters:
            raise errors.InvalidArgument(
                f"the tag {template!r} needs {key}, which the provisioner did not pass",
                remedy="start external-provisioner with --extra-create-metadata",
            )
        return rule.fit(parameters[key])

    return _PLACEHOLDER.sub(value, template)


def problem(label: str, rule: TextRule) -> str:
    """Say why the cloud does not take ``label``; empty if it does."""
    return "" if rule.accepts(label) else f"{label[:80]!r} is not a tag: {rule.words}"


def _check(label: str, rule: TextRule) -> str:
    if text := problem(label, rule):
        raise errors.InvalidArgument(text)
    return label
