"""A root file system for another machine is recorded as dpkg would have recorded it."""

from tools.image import foreign


def test_a_package_that_was_only_unpacked_has_the_entry_and_the_list_of_an_installed_one() -> None:
    control = "Package: mount\nVersion: 2.38\nDescription: tools\n for mounting\n"
    entry, listed = foreign.record(control, ["./", "./bin/", "./bin/mount"])
    assert entry == "Package: mount\nStatus: install ok installed\nVersion: 2.38\nDescription: tools\n for mounting\n"
    assert listed == "/.\n/bin\n/bin/mount\n"
