"""The fixture that other projects use: a cloud of the test's own, faults, and what was done."""

from collections.abc import Sequence
from http.client import RemoteDisconnected
from pathlib import Path
from urllib.error import HTTPError

import pytest

from localcloud import pytest_plugin
from localcloud.pytest_plugin import LocalCloud

ORDERS = {"name": "orders", "size_gigabytes": 1, "region": "nyc1"}


def test_a_reply_that_is_lost_leaves_one_effect(localcloud: LocalCloud) -> None:
    localcloud.break_("drop_after", where={"method": "POST"}, nth=[1])
    with pytest.raises(RemoteDisconnected):
        localcloud.ask("POST", "/v2/volumes", ORDERS)
    with pytest.raises(HTTPError, match="409"):
        localcloud.ask("POST", "/v2/volumes", ORDERS)
    assert [effect["detail"] for effect in localcloud.effects()] == [{"name": "orders", "size_gib": 1}]
    assert localcloud.effects("volume_deleted") == []


def test_what_was_broken_works_after_the_repair(localcloud: LocalCloud) -> None:
    localcloud.break_("error")
    with pytest.raises(HTTPError, match="503"):
        localcloud.ask("GET", "/v2/account")
    localcloud.repair()
    assert localcloud.ask("GET", f"/v2/droplets/{localcloud.droplet_ids[1]}").keys() == {"droplet"}


class TestOptions:
    @pytest.fixture
    def localcloud_options(self) -> Sequence[str]:
        return "--disks=none", "--droplets=5"

    def test_the_options_are_the_tests_own_and_the_token_is_not_printed(self, localcloud: LocalCloud) -> None:
        assert len(localcloud.droplet_ids) == 5
        assert localcloud.token not in repr(localcloud)


def test_a_cloud_that_does_not_start_is_an_error_and_one_that_ends_leaves_nothing(tmp_path: Path) -> None:
    with pytest_plugin.run(tmp_path / "state", ["--disks=none"]):
        with pytest.raises(RuntimeError, match="exit status 1"), pytest_plugin.run(tmp_path / "state", ()):
            pytest.fail("two clouds on one state")
        assert (tmp_path / "state").exists()
    assert not (tmp_path / "state").exists()
