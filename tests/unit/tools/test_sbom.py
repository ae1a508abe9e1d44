"""The bill of materials is read from what the image itself says is installed."""

import json
from pathlib import Path

from tools.image import SITE, sbom

STATUS = """\
Package: e2fsprogs
Status: install ok installed
Architecture: amd64
Version: 1.47.0-2+b2
"""


def make_root(folder: Path) -> Path:
    (folder / "var/lib/dpkg/status.d").mkdir(parents=True)
    (folder / "var/lib/dpkg/status.d/e2fsprogs").write_text(STATUS)
    metadata = folder / SITE / "typing_extensions-4.16.0.dist-info"
    metadata.mkdir(parents=True)
    text = "Metadata-Version: 2.4\nName: typing_extensions\nVersion: 4.16.0\nLicense-Expression: PSF-2.0\n\nLong text\n"
    (metadata / "METADATA").write_text(text)
    return folder


def test_the_bill_names_the_packages_of_both_layers(tmp_path: Path) -> None:
    bill = json.loads(sbom.bill(root := make_root(tmp_path), root))
    assert [one["purl"] for one in bill["components"]] == [
        "pkg:deb/debian/e2fsprogs@1.47.0-2%2Bb2?arch=amd64&distro=debian-12",
        "pkg:pypi/typing-extensions@4.16.0",
    ]
    assert bill["components"][1]["licenses"] == [{"expression": "PSF-2.0"}]


def test_the_same_contents_give_the_same_bill(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    assert sbom.bill(root, root) == sbom.bill(root, root)


def test_the_status_has_each_package_as_a_paragraph_of_its_own(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    (root / "var/lib/dpkg/status.d/xfsprogs").write_text(STATUS.replace("e2fsprogs", "xfsprogs"))
    assert sbom.status(root) == f"{STATUS}\n{STATUS.replace('e2fsprogs', 'xfsprogs')}"
