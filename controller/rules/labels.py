"""Tags: from the cluster's setting and the StorageClass, with templates filled from the claim's name and namespace.

Source: DigitalOcean API "tags_create" (letters, digits, ``:``, ``-``, ``_``; at most 255 characters).
"""

import re
from collections.abc import Mapping

from common import errors

CLAIM_NAME = "csi.storage.k8s.io/pvc/name"
CLAIM_NAMESPACE = "csi.storage.k8s.io/pvc/namespace"
VOLUME_NAME = "csi.storage.k8s.io/pv/name"
PLACEHOLDERS = {
    "${pvc.name}": CLAIM_NAME,
    "${pvc.namespace}": CLAIM_NAMESPACE,
    "${pv.name}": VOLUME_NAME,
}

_TAG = re.compile(r"[A-Za-z0-9:_-]{1,255}")
_ODD = re.compile(r"[^A-Za-z0-9:_-]")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


def parse(text: str, parameters: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the tags of a comma-separated list. Raises InvalidArgument, which names the tag that is none."""
    wanted = (_fill(part.strip(), parameters or {}) for part in text.split(",") if part.strip())
    return tuple(dict.fromkeys(_check(tag) for tag in wanted))


def _fill(template: str, parameters: Mapping[str, str]) -> str:
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
        return _ODD.sub("-", parameters[key])

    return _PLACEHOLDER.sub(value, template)


def is_label(text: str) -> bool:
    """Say whether the cloud takes ``text`` as a tag."""
    return _TAG.fullmatch(text) is not None


def _check(tag: str) -> str:
    if not is_label(tag):
        raise errors.InvalidArgument(f"{tag[:80]!r} is no tag: letters, digits, ':', '-' and '_', at most 255")
    return tag
