"""What is said and returned when a program of the host is missing."""

import pytest

from tools import debian

GONE = debian.Package("gone", ("no-such-program", "sh"), required_by=("run",), used_by=("test",))


def test_a_complaint_names_the_program_the_package_and_the_targets() -> None:
    assert GONE.complaint() == (
        "missing: no-such-program; as root: apt-get install gone (make run needs it; make test skips what needs it)"
    )


def test_a_program_outside_the_search_path_of_a_plain_user_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert debian.Package("mount", ("losetup",)).missing() == []
