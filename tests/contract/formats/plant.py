"""Change one token of every format that outlives a process: the tests beside this file must notice each.

``python -m tests.contract.formats.plant``. It works on a copy of the tree.
"""

import sys

from tests.harness.planting import Change, main

PYTEST = [
    "pytest",
    "-q",
    "-x",
    "--noconftest",
    "-c",
    "/dev/null",
    "--rootdir",
    ".",
    "--import-mode=importlib",
    "-p",
    "no:cacheprovider",
]
FORMATS = "tests/contract/formats"
LOOKS = [(sys.executable, "-m", *PYTEST, f"--ignore={FORMATS}/test_released.py", FORMATS)]

CHANGES = [
    Change("common/context_keys.py", '/volume-name"', '/volumename"'),
    Change("common/context_keys.py", '/volume-size-bytes"', '/volume-size"'),
    Change("common/context_keys.py", '/volume-seal"', '/seal"'),
    Change("common/context_keys.py", '/volume-origin"', '/origin"'),
    Change("common/context_keys.py", '"com.digitalocean.csi.dobs/noformat"', '"com.digitalocean.csi.dobs/no-format"'),
    Change("common/clouds/digitalocean.py", 'zone_key="region"', 'zone_key="zone"'),
    Change("common/context_keys.py", '"blockSize"', '"blocksize"'),
    Change("common/context_keys.py", '"encryptionPbkdfMemory"', '"encryptionMemory"'),
    Change("controller/rules/sealed_context.py", "SEAL_DIGITS = 16", "SEAL_DIGITS = 15"),
    Change("controller/rules/sealed_context.py", "{volume_id}\\n{name}", "{volume_id}/{name}"),
    Change("controller/digitalocean/origins.py", "{DESCRIPTION}, blank", "{DESCRIPTION}, empty"),
    Change("controller/digitalocean/origins.py", "{DESCRIPTION}, from {", "{DESCRIPTION} from {"),
    Change("controller/digitalocean/origins.py", "(snapshot|volume)", "(snapshot|clone)"),
    Change("controller/rules/names.py", "csi-{readable}-{digest}", "csi-{digest}-{readable}"),
    Change("controller/rules/names.py", "_HASH = 30, 28", "_HASH = 30, 27"),
    Change("controller/rules/names.py", "_HASH = 30, 28", "_HASH = 29, 28"),
    Change("controller/rules/names.py", "sha256", "sha3_256"),
    Change("controller/rules/temporary_snapshot.py", '"csi-clone-"', '"csi-copy-"'),
    Change("controller/rules/temporary_snapshot.py", "hexdigest()[:32]", "hexdigest()[:31]"),
    Change("controller/rules/temporary_snapshot.py", '"aiocsi-temporary-snapshot"', '"aiocsi-temporary"'),
    Change("controller/rules/labels.py", '"csi.storage.k8s.io/pvc/name"', '"csi.storage.k8s.io/pvc"'),
    Change("controller/rules/pages.py", 'f"v1.', 'f"v2.'),
    Change("controller/rules/pages.py", ":.6f}", ":.3f}"),
    Change("node/requests.py", '"encryption-passphrase-old"', '"encryption-passphrase-before"'),
    Change("node/rules/encryption.py", '"aiocsi-new"', '"aiocsi-fresh"'),
    Change("node/rules/encryption.py", 'IN_USE = "aiocsi-new", "aiocsi"', 'IN_USE = "aiocsi-new", "aiocsi-used"'),
    Change("node/rules/encryption.py", "_LABEL_BYTES = 47", "_LABEL_BYTES = 46"),
    Change("node/rules/encryption.py", '_MAPPER = "aiocsi-"', '_MAPPER = "csi-"'),
    Change("node/rules/encryption.py", '"CRYPT-LUKS2-"', '"CRYPT-LUKS-"'),
    Change("node/rules/encryption.py", 'KIND = "luks2"', 'KIND = "luks"'),
    Change("node/host/state.py", 'Intent: "formats"', 'Intent: "intents"'),
    Change("node/host/state.py", 'Published: "published"', 'Published: "targets"'),
    Change("node/host/state.py", "sha256", "sha1"),
    Change("node/host/state.py", '_BOOT = "boot"', '_BOOT = "boot-id"'),
    Change("node/host/state.py", '_ASIDE = ".unreadable"', '_ASIDE = ".aside"'),
    Change("node/wiring.py", '"growths"', '"growing"'),
    Change("node/host/filesystems.py", ".e2undo", ".undo"),
    Change("node/host/leftover_programs.py", '"AIOCSI_PROGRAM_OF"', '"AIOCSI_OWNER"'),
    Change("node/formats/record_json.py", "FORMAT = 1", "FORMAT = 2"),
    Change("node/records/state.py", "to_grow: bool", "grow: bool"),
    Change("node/records/state.py", "sequence: str", "order: str"),
    Change("charts/aiocsi/values.yaml", "  validateAttachment:", "  confirmAttachment:"),
]

if __name__ == "__main__":
    sys.exit(main(CHANGES, LOOKS))
