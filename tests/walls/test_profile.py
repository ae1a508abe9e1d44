"""How long files and functions are, and how much of the tree is tests: no figure gets worse."""

import ast
from pathlib import Path

from tests.walls.test_doors import ROOT, sources

PRODUCTION = ("common", "controller", "kubectl_aiocsi", "localcloud", "node", "takeover", "tools", "warden")
LONGEST_FILE, LONGEST_FUNCTION = 278, 32  # lines
MOST_TESTS = 1.5  # lines of tests to one of production; csi_proto and benchmarks are neither


def lines(path: str | Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def test_no_file_and_no_function_is_longer_than_can_be_taken_in_at_once() -> None:
    found = list(sources(*PRODUCTION))
    nodes = ((path, node) for path, tree in found for node in ast.walk(tree))
    assert [path for path, _ in found if lines(path) > LONGEST_FILE] == []
    assert [
        f"{path}:{node.lineno}: {node.name}"
        for path, node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ] == []


def test_tests_are_no_more_than_half_as_long_again_as_what_they_test() -> None:
    tests = sum(lines(path) for path in (ROOT / "tests").rglob("*.py"))
    assert tests <= MOST_TESTS * sum(lines(path) for path, _ in sources(*PRODUCTION))
