"""What a release says of itself: checksums, provenance, packages."""

import json
from pathlib import Path

from tools.processes.run import run
from tools.release import checksums, packages, provenance

BILL = {
    "components": [
        {"purl": "pkg:deb/debian/a@1", "licenses": [{"license": {"name": "GPL-2+"}}, {"license": {"name": "MIT"}}]},
        {"purl": "pkg:pypi/b@2", "licenses": [{"expression": "Apache-2.0"}]},
        {"purl": "pkg:pypi/c@3"},
    ]
}


def test_sha256sum_accepts_the_checksums_of_all_files_but_signatures(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image/index.json").write_text("{}")
    (tmp_path / "chart.tgz").write_text("chart")
    checksums.write(tmp_path)
    (tmp_path / "SHA256SUMS.sig").write_text("signature")
    told = run("sha256sum", "--check", "--strict", checksums.NAME, cwd=tmp_path)
    assert told.splitlines() == ["chart.tgz: OK", "image/index.json: OK"]
    assert sorted(checksums.sums(tmp_path)) == ["chart.tgz", "image/index.json"]


def test_the_provenance_names_the_commit_and_every_subject() -> None:
    told = json.loads(provenance.statement({"chart.tgz": "12", "image": "34"}, "1.2.3", "c0ffee", {"bill": "56"}))
    assert (told["_type"], told["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert {one["name"]: one["digest"] for one in told["subject"]} == {
        "chart.tgz": {"sha256": "12"},
        "image": {"sha256": "34"},
    }
    definition = told["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {"command": "make release", "version": "1.2.3"}
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": "c0ffee"}


def test_the_list_of_packages_has_a_line_for_each_with_its_licences() -> None:
    assert packages.listed(json.dumps(BILL)).splitlines() == [
        "pkg:deb/debian/a@1\tGPL-2+, MIT",
        "pkg:pypi/b@2\tApache-2.0",
        "pkg:pypi/c@3\tnot named",
    ]
