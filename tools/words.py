"""Look for words in the documentation that have a plainer form (docs/style.md): ``make words``."""

import re
import subprocess
import sys
from collections.abc import Iterator

from tools.venv import ROOT

PLAIN = {
    "anew": "again",
    "upon": "on",
    "likewise": "in the same way",
    "in vain": "without a result",
    "somebody": "the user, another client, another process",
    "nobody": "no one, no pod, nothing",
    "so many": "this many",
    "utilize": "use",
    "in order to": "to",
    "is no (?:absolute|tag|UUID|socket|number|path|volume of)": "is not a …",
}
LOOKED_FOR = re.compile(rf"\b({'|'.join(PLAIN)})\b", re.IGNORECASE)
EXAMPLES = "docs/style.md"


def found(path: str, text: str) -> Iterator[str]:
    """Yield a line for each word that has a plainer form."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in LOOKED_FOR.finditer(line):
            plain = next(plain for word, plain in PLAIN.items() if re.fullmatch(word, match[0], re.IGNORECASE))
            yield f"{path}:{number}: {match[0]!r}: write {plain!r}"


def main() -> int:
    """Return the exit status: 1 if a word was found."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    pages = [page for page in listed.stdout.split() if page not in {EXAMPLES, "CHANGELOG.md"}]
    lines = [line for page in pages for line in found(page, (ROOT / page).read_text(encoding="utf-8"))]
    print("\n".join(lines) or f"words: {len(pages)} pages")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
