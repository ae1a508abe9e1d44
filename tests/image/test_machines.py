"""The driver's packages can be laid for the other machine that the image is for, from the hashed wheels alone."""

from pathlib import Path

import pytest

from tools.image import SITE, install

ELF_MACHINE, AARCH64 = slice(18, 20), 183  # e_machine, see elf(5)

pytestmark = pytest.mark.timeout(300)


def test_every_extension_in_the_layer_of_arm64_is_for_arm64(tmp_path: Path) -> None:
    install.install(tmp_path / "layer", "aarch64")
    found = {file.name: file.read_bytes() for file in (tmp_path / "layer" / SITE).rglob("*.so")}
    assert any(name.startswith("_pydantic_core") for name in found)
    assert {int.from_bytes(content[ELF_MACHINE], "little") for content in found.values()} == {AARCH64}
