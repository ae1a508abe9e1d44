"""How large each package of the image is."""

from pathlib import Path

from tools.image import SITE, sizes

DEBIAN = {
    "usr/lib/libssl.so": 500,
    "usr/lib/python3.11/os.py": 30,
    "usr/lib/python3.11/__pycache__/os.cpython-311.pyc": 20,
}
DRIVER = {f"{SITE}/aiohttp/a.so": 400, f"{SITE}/aiohttp-3.14.dist-info/METADATA": 5, "usr/local/bin/aiocsi-node": 1}
OWNERS = {"usr/lib/libssl.so": {"libssl3"}, "usr/lib/python3.11/os.py": {"libpython3.11-minimal"}}


def laid(folder: Path, files: dict[str, int]) -> Path:
    for name, size in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)
    return folder


def test_each_package_is_listed_with_all_that_is_of_it_the_largest_first(tmp_path: Path) -> None:
    table = sizes.table(laid(tmp_path / "system", DEBIAN), laid(tmp_path / "layer", DRIVER), OWNERS)
    assert [line.split("\t") for line in table.splitlines()] == [
        ["550", sizes.DEBIAN, "all"],
        ["406", sizes.OURS, "all"],
        ["500", sizes.DEBIAN, "libssl3"],
        ["405", sizes.OURS, "aiohttp"],
        ["50", sizes.DEBIAN, "libpython3.11-minimal"],
        ["1", sizes.OURS, "programs, bill of materials"],
    ]
