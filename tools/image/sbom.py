"""What is in the image, as a CycloneDX 1.6 bill of materials: Debian packages and Python packages.

Sources: CycloneDX 1.6 JSON; package-url types deb and pypi; dpkg's status file (man page deb-control).
"""

import json
import uuid
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from urllib.parse import quote

from tools.image import SITE, licences, version

Component = dict[str, object]


def bill(system: Path, layer: Path) -> str:
    """Return the bill of both layers as JSON. The same contents give the same text."""
    components = [*_debian(system), *_python(layer)]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": "image", "name": "aiocsi", "version": version()}},
        "components": components,
    }
    return json.dumps(document, indent=1) + "\n"


def status(system: Path) -> str:
    """Return the image's Debian packages as dpkg's status file has them, for ``debsecan --status``."""
    return "\n".join(file.read_text() for file in _entries(system))


def _entries(root: Path) -> list[Path]:
    return sorted((root / "var/lib/dpkg/status.d").iterdir())


def _debian(root: Path) -> Iterator[Component]:
    for file in _entries(root):
        fields = HeaderParser().parsestr(file.read_text())
        name, package_version = fields["Package"], fields["Version"]
        url = f"pkg:deb/debian/{name}@{quote(package_version, safe='')}?arch={fields['Architecture']}&distro=debian-12"
        told = root / "usr/share/doc" / name / "copyright"
        found = licences.of_debian(told.read_text(errors="replace")) if told.exists() else []
        yield _component(name, package_version, url, found)


def _python(root: Path) -> Iterator[Component]:
    for file in sorted((root / SITE).glob("*.dist-info/METADATA")):
        fields = HeaderParser().parsestr(file.read_text())
        name, package_version = fields["Name"], fields["Version"]
        url = f"pkg:pypi/{name.lower().replace('_', '-')}@{package_version}"
        yield _component(name, package_version, url, licences.of_python(fields))


def _component(name: str, package_version: str, url: str, found: licences.Licences) -> Component:
    """Return one package; ``url`` is its package URL."""
    component: Component = {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": package_version,
        "purl": url,
    }
    return {**component, "licenses": found} if found else component
