"""The image has what both services need, nothing to attack with, and says what is in it."""

import json
from importlib.metadata import Distribution

import pytest

from tests.chart.documents import at
from tests.image.conftest import Unpacked
from tools.image import SBOM, version

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("service", ["controller", "node"])
def test_a_service_starts_as_a_user_without_rights_and_tells_its_version(image: Unpacked, service: str) -> None:
    assert image.run(f"aiocsi-{service}", "--version").strip() == f"aiocsi-{service} {version()}"
    assert "AIOCSI_ENDPOINT" in image.run(f"aiocsi-{service}", "--help")


@pytest.mark.parametrize(
    "program",
    [
        *(
            "mkfs.ext2",
            "mkfs.ext3",
            "mkfs.ext4",
            "e2fsck",
            "resize2fs",
            "mkfs.xfs",
            "xfs_growfs",
            "xfs_repair",
            "mkfs.btrfs",
            "btrfs",
        ),
        *("blkid", "blockdev", "mount", "umount", "losetup", "rm"),
    ],
)
def test_a_program_that_the_node_starts_is_there(image: Unpacked, program: str) -> None:
    assert image.installed(program)


@pytest.mark.parametrize("program", ["gcc", "cc", "pip", "pip3", "curl", "wget", "git", "apt-get"])
def test_a_program_that_only_helps_an_intruder_is_not_there(image: Unpacked, program: str) -> None:
    assert not image.installed(program)


@pytest.mark.parametrize("package", ["rich", "pip", "setuptools", "localcloud", "pytest", "lightkube"])
def test_a_python_package_that_no_service_needs_is_not_there(image: Unpacked, package: str) -> None:
    assert not (image.site / package).exists()


def test_every_module_is_byte_compiled_for_the_image_s_python(image: Unpacked) -> None:
    modules = [file for file in image.site.rglob("*.py") if "site-packages" not in file.parts]
    compiled = [file.parent / "__pycache__" / f"{file.stem}.cpython-311.pyc" for file in modules]
    assert len(modules) > 500
    assert [file for file in compiled if not file.exists()] == []


def test_no_byte_code_tells_where_it_was_made(image: Unpacked) -> None:
    code = (image.site / "common" / "__pycache__" / "errors.cpython-311.pyc").read_bytes()
    assert b"dist-packages/common/errors.py" in code
    assert b"/tmp" not in code


def test_the_config_names_no_root(image: Unpacked) -> None:
    assert at(image.config, "config", "User") == "65532:65532"
    labels = at(image.config, "config", "Labels")
    assert isinstance(labels, dict)
    assert labels["org.opencontainers.image.version"] == version()


def test_the_bill_of_materials_names_every_package_there_is(image: Unpacked) -> None:
    bill = json.loads((image.root / SBOM).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {component["purl"].partition("?")[0] for component in bill["components"]}
    python = {folder.name for folder in image.site.glob("*.dist-info")}
    assert len([name for name in named if name.startswith("pkg:pypi/")]) == len(python)
    assert any(name.startswith("pkg:deb/debian/e2fsprogs@") for name in named)
    ours = Distribution.at(image.site / f"aiocsi-{version()}.dist-info")
    assert f"pkg:pypi/aiocsi@{ours.version}" in named


def test_the_image_is_small(image: Unpacked) -> None:
    assert image.archive_bytes <= 220e6
