"""What is said and returned when a program of the host is missing."""

import pytest

from tools import host_packages

GONE = host_packages.Package("gone", ("no-such-program", "sh"), required_by=("run",), used_by=("test",))


def test_a_complaint_names_the_program_the_package_and_the_targets() -> None:
    assert GONE.complaint() == (
        "missing: no-such-program; as root: apt-get install gone (make run needs it; make test skips what needs it)"
    )


def test_a_program_outside_the_search_path_of_a_plain_user_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert host_packages.Package("mount", ("losetup",)).missing() == []


@pytest.mark.parametrize(
    ("file", "missing"), [("/etc/passwd", []), ("/usr/include/no-such.h", ["/usr/include/no-such.h"])]
)
def test_a_package_without_programs_is_known_by_a_file(file: str, missing: list[str]) -> None:
    assert host_packages.Package("headers", (file,)).missing() == missing


def test_where_installing_is_turned_off_one_line_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(host_packages, "PACKAGES", (GONE, host_packages.Package("lost", ("no-such",), ("run",))))
    monkeypatch.setenv("AIOCSI_INSTALL", "no")
    assert host_packages.main(["run"]) == 1
    first, *complaints = capsys.readouterr().err.splitlines()
    assert first == "AIOCSI_INSTALL=no, so nothing is installed; as root: apt-get install gone lost"
    assert len(complaints) == 2
