"""Which licences a package of the image is under, by what it brings along. Pure.

Sources: Debian's machine-readable copyright files 1.0 (DEP 5); core metadata 2.4 of Python packages.
"""

import re
from email.message import Message

Licences = list[dict[str, object]]

NAMED = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE)
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z][A-Za-z0-9.+-]*[A-Za-z0-9])")
CLASSIFIER = "License :: OSI Approved :: "
IN_WORDS = "LicenseRef-in-the-words-of-its-copyright-file"
LONGEST_NAME = 80  # a longer one is a whole licence, which some packages give in place of its name


def of_debian(copyright_file: str) -> Licences:
    """Return the licences that a Debian package's copyright file names."""
    names = NAMED.findall(copyright_file) or COMMON.findall(copyright_file)
    return [{"license": {"name": name}} for name in sorted({name.strip() for name in names}) or [IN_WORDS]]


def of_python(metadata: Message) -> Licences:
    """Return the licences that a Python package's metadata name."""
    if expression := metadata.get("License-Expression"):
        return [{"expression": expression}]
    classified = [
        one.removeprefix(CLASSIFIER) for one in metadata.get_all("Classifier", []) if one.startswith(CLASSIFIER)
    ]
    told = metadata.get("License", "").strip()
    names = [told] if told and len(told) < LONGEST_NAME and "\n" not in told else sorted(classified)
    return [{"license": {"name": name}} for name in names]
