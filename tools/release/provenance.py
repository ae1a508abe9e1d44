"""What a release was made from and how, as a statement that can be signed. Pure.

Sources: in-toto Statement v1; SLSA provenance v1 (buildDefinition, runDetails).
"""

import json
from collections.abc import Mapping

BUILD_TYPE = "https://aiocsi.dev/build/make-release/v1"
LOCAL = "https://aiocsi.dev/builder/local"


def statement(subjects: Mapping[str, str], version: str, commit: str, materials: Mapping[str, str]) -> str:
    """Return the statement as JSON: ``subjects`` and ``materials`` are SHA-256 digests by name."""
    resolved: list[object] = [{"uri": "git+aiocsi", "digest": {"gitCommit": commit}}]
    resolved += _named(materials)
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": _named(subjects),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"command": "make release", "version": version},
                "internalParameters": {},
                "resolvedDependencies": resolved,
            },
            "runDetails": {"builder": {"id": LOCAL}, "metadata": {"invocationId": commit}},
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _named(digests: Mapping[str, str]) -> list[object]:
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())]
