"""Which licences a package of the image is under."""

from email.parser import HeaderParser

import pytest

from tools.image import licences

DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: GPL-2+

Files: lib/*
License: LGPL-2.1+
 This library is free software.

License: GPL-2+
"""
FREE = "The licence is in /usr/share/common-licenses/GPL-2. The library's is /usr/share/common-licenses/LGPL-2.1.\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(DEP5, ["GPL-2+", "LGPL-2.1+"], id="machine-readable"),
        pytest.param(FREE, ["GPL-2", "LGPL-2.1"], id="in words"),
        pytest.param("All rights reserved.", [licences.IN_WORDS], id="no name"),
    ],
)
def test_a_debian_package_s_licences_are_those_that_its_copyright_file_names(text: str, names: list[str]) -> None:
    assert licences.of_debian(text) == [{"license": {"name": name}} for name in names]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param(["License-Expression: MIT", "License: old"], [{"expression": "MIT"}], id="an expression wins"),
        pytest.param(["License: BSD"], [{"license": {"name": "BSD"}}], id="a name"),
        pytest.param(
            ["License: " + "all of its words " * 9, "Classifier: License :: OSI Approved :: MIT License"],
            [{"license": {"name": "MIT License"}}],
            id="a whole licence is no name",
        ),
        pytest.param(["Classifier: Topic :: Internet"], [], id="none"),
    ],
)
def test_a_python_package_s_licences_are_those_of_its_metadata(lines: list[str], found: list[object]) -> None:
    assert licences.of_python(HeaderParser().parsestr("\n".join(lines) + "\n\n")) == found
