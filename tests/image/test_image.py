"""The image has what both services need, nothing to attack with, and says what is in it."""

import json
import stat
from email.parser import HeaderParser
from importlib.metadata import Distribution

import pytest

from tests.chart.documents import at
from tests.image.conftest import Unpacked
from tools.image import SBOM, debian, make, pins, version
from tools.image.recipes import DRIVER

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("service", ["controller", "node", "warden"])
def test_a_service_starts_as_a_user_without_rights_and_tells_its_version(image: Unpacked, service: str) -> None:
    assert image.run(f"aiocsi-{service}", "--version").strip() == f"aiocsi-{service} {version()}"
    assert "AIOCSI_ENDPOINT" in image.run(f"aiocsi-{service}", "--help")


def test_the_kubectl_plugin_is_there_and_tells_its_version(image: Unpacked) -> None:
    assert image.run("kubectl-aiocsi", "--version").strip() == f"kubectl aiocsi {version()}"
    assert image.run("kubectl_complete-aiocsi", "do") == "doctor\tcheck the driver and every volume of it\n:4\n"


@pytest.mark.parametrize("program", DRIVER.programs)
def test_a_program_that_the_node_starts_is_there(image: Unpacked, program: str) -> None:
    assert image.installed(program)


@pytest.mark.parametrize(
    "program",
    [
        *("sh", "bash", "dash", "perl", "apt-get", "dpkg", "tar", "login", "su", "openssl", "awk", "cat"),
        *("gcc", "cc", "pip", "pip3", "curl", "wget", "git"),
    ],
)
def test_a_program_that_only_helps_an_intruder_is_not_there(image: Unpacked, program: str) -> None:
    assert not image.installed(program)


def test_the_image_has_the_locked_packages_and_no_other(image: Unpacked) -> None:
    labels = at(image.config, "config", "Labels")
    assert isinstance(labels, dict)
    if labels[make.PACKAGES] != make.LOCKED:
        pytest.skip("Debian's archive no longer has the locked packages, so the newest were taken: make lock-debian")
    locked = {(pin.name, pin.version) for pin in pins.read(debian.LOCK.read_text()).pins}
    kept = [HeaderParser().parsestr(file.read_text()) for file in (image.root / "var/lib/dpkg/status.d").iterdir()]
    assert {(fields["Package"], fields["Version"]) for fields in kept} - locked == set()


def test_no_file_gives_more_rights_than_its_caller_has(image: Unpacked) -> None:
    files = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 2000
    assert [path for path in files if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)] == []


MADE = {
    "ext2": (("mkfs.ext2", "-q"), ("e2fsck", "-f", "-n")),
    "ext3": (("mkfs.ext3", "-q"), ("e2fsck", "-f", "-n")),
    "ext4": (("mkfs.ext4", "-q"), ("e2fsck", "-f", "-n")),
    "xfs": (("mkfs.xfs", "-q"), ("xfs_repair", "-n", "-f")),
    "btrfs": (("mkfs.btrfs", "-q"), ("btrfs", "check")),
}


@pytest.mark.parametrize("fs_type", MADE)
def test_the_image_makes_checks_and_recognizes_a_file_system(image: Unpacked, fs_type: str) -> None:
    disk = image.disk(fs_type, 512 << 20)
    for argv in MADE[fs_type]:
        image.run(*argv, disk)
    assert image.run("blkid", "-p", "-o", "value", "-s", "TYPE", disk).strip() == fs_type


def test_the_image_grows_an_ext4(image: Unpacked) -> None:
    disk = image.disk("grown", 64 << 20)
    image.run("mkfs.ext4", "-q", disk)
    image.disk("grown", 128 << 20)
    image.run("resize2fs", disk)
    assert "clean" in image.run("e2fsck", "-n", disk)


def test_the_image_formats_and_opens_a_luks_header(image: Unpacked) -> None:
    disk, key = image.disk("secret", 64 << 20), image.disk("key", 32)
    image.run("cryptsetup", "luksFormat", "--batch-mode", "--pbkdf=pbkdf2", f"--key-file={key}", disk)
    image.run("cryptsetup", "open", "--test-passphrase", f"--key-file={key}", disk)


def test_the_image_trusts_the_public_certificate_authorities(image: Unpacked) -> None:
    told = image.run("python3", "-c", "import ssl; print(len(ssl.create_default_context().get_ca_certs()))")
    assert int(told) > 100


@pytest.mark.parametrize("package", ["rich", "pip", "setuptools", "localcloud", "pytest"])
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


def test_the_image_is_small_also_as_it_is_pulled(image: Unpacked) -> None:
    assert image.archive_bytes <= 90e6
    assert image.pulled_bytes <= 30e6


def test_each_package_of_the_bill_has_its_licences(image: Unpacked) -> None:
    components = json.loads((image.root / SBOM).read_text())["components"]
    assert len(components) > 60
    assert [one["name"] for one in components if not one.get("licenses")] == []
