"""Look in the documentation, docstrings and messages for words that have a plainer form: ``make words``.

Source: docs/style.md.
"""

import ast
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
LEFT_OUT = {"docs/style.md", "CHANGELOG.md", "tools/words.py"}
MODULES = ("common", "controller", "kubectl_aiocsi", "localcloud", "node", "takeover", "tools", "warden")


def found(path: str, text: str) -> Iterator[str]:
    """Yield a line for each word that has a plainer form."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in LOOKED_FOR.finditer(line):
            plain = next(plain for word, plain in PLAIN.items() if re.fullmatch(word, match[0], re.IGNORECASE))
            yield f"{path}:{number}: {match[0]!r}: write {plain!r}"


def texts(source: str) -> str:
    """Return the docstrings and messages of a module, each on its line, and nothing else of it."""
    lines: dict[int, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for number, line in enumerate(node.value.splitlines(), node.lineno):
                lines[number] = f"{lines.get(number, '')} {line}"
    return "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))


def main() -> int:
    """Return the exit status: 1 if a word was found."""
    folders = [f"{folder}/*.py" for folder in MODULES]
    argv = ["git", "ls-files", "*.md", *folders]
    listed = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    pages = [page for page in listed.stdout.split() if page not in LEFT_OUT]
    lines: list[str] = []
    for page in pages:
        text = (ROOT / page).read_text(encoding="utf-8")
        lines += found(page, texts(text) if page.endswith(".py") else text)
    print("\n".join(lines) or f"words: {len(pages)} pages and modules")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
