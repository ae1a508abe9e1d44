"""What is made and looked for below kubelet's directory, on this machine's own mounts."""

from pathlib import Path

import pytest

from common import errors
from node.host import host, paths


def test_no_link_leads_out_of_kubelets_directory(tmp_path: Path) -> None:
    kubelet = tmp_path / "kubelet"
    (kubelet / "pods").mkdir(parents=True)
    (kubelet / "out").symlink_to(tmp_path)
    (tmp_path / "alias").symlink_to(kubelet)
    assert host._resolve(str(tmp_path / "alias/pods/x"), tmp_path / "alias") == str(kubelet / "pods/x")
    for path in (tmp_path / "x", kubelet / "out/x", Path("/etc/x"), tmp_path / "kubelets/x"):
        with pytest.raises(errors.InvalidArgument, match="kubelet's directory"):
            host._resolve(str(path), kubelet)


def test_no_folder_is_made_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(errors.FailedPrecondition, match="symbolic link"):
        paths.make_folder(str(tmp_path / "link"))
    with pytest.raises(errors.FailedPrecondition):
        paths.make_file(str(tmp_path / "link"))
