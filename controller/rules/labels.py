"""Tags: from the cluster's setting and the StorageClass, with templates filled from the claim's name and namespace.

Which texts are labels is a trait of the cloud. Users set them as "tags".
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from common import errors
from controller.cloud.traits import TextRule
from controller.codes import Code

CLAIM_NAME = "csi.storage.k8s.io/pvc/name"
CLAIM_NAMESPACE = "csi.storage.k8s.io/pvc/namespace"
VOLUME_NAME = "csi.storage.k8s.io/pv/name"
PLACEHOLDERS = {
    "${pvc.name}": CLAIM_NAME,
    "${pvc.namespace}": CLAIM_NAMESPACE,
    "${pv.name}": VOLUME_NAME,
}

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
_HASH = 10  # hex digits that tell apart what was cut


def parse(text: str, rule: TextRule, parameters: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the labels of a comma-separated list. Raises InvalidArgument, which names the one that is not a label."""
    wanted = (_fill(part.strip(), rule, parameters or {}) for part in text.split(",") if part.strip())
    return merged(_check(label, rule) for label in wanted)


def merged(*some: Iterable[str]) -> tuple[str, ...]:
    """Return all labels, each once: two that differ in case alone are one to the cloud, and the first is kept."""
    found: dict[str, str] = {}
    for label in chain.from_iterable(some):
        found.setdefault(label.lower(), label)
    return tuple(found.values())


def _fill(template: str, rule: TextRule, parameters: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        key = PLACEHOLDERS.get(match.group())
        if key is None:
            raise errors.InvalidArgument(
                f"the tag {template!r} has an unknown placeholder",
                remedy=f"known are {', '.join(PLACEHOLDERS)}",
                error_code=Code.TAGS,
            )
        if key not in parameters:
            raise errors.InvalidArgument(
                f"the tag {template!r} needs {key}, which the provisioner did not pass",
                remedy="start external-provisioner with --extra-create-metadata",
                error_code=Code.TAGS,
            )
        return rule.fit(parameters[key])

    filled = _PLACEHOLDER.sub(value, template)
    if filled == template or len(filled) <= rule.longest:
        return filled
    digest = hashlib.sha256(filled.encode()).hexdigest()[:_HASH]
    return f"{filled[: rule.longest - _HASH - 1]}-{digest}"


def missing(wanted: Sequence[str], held: Sequence[str]) -> list[str]:
    """Return the wanted labels that are not among the held ones, which the cloud may keep in another case."""
    lower = {label.lower() for label in held}
    return [label for label in wanted if label.lower() not in lower]


def problem(label: str, rule: TextRule) -> str:
    """Say why the cloud does not take ``label``; empty if it does."""
    return "" if rule.accepts(label) else f"{label[:80]!r} is not a tag: {rule.words}"


def _check(label: str, rule: TextRule) -> str:
    if text := problem(label, rule):
        raise errors.InvalidArgument(text, error_code=Code.TAGS)
    return label
