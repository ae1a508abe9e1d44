"""Every mutation of a source: one comparison, condition, number or token of a format is another one."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
}
Value = ast.expr | ast.stmt

_NO_VALUE = ("annotation", "returns", "decorator_list")


@dataclass(frozen=True)
class Mutant:
    """A place of a source, what is there, and what takes its place."""

    path: Path
    line: int
    span: tuple[int, int]  # in bytes of the source
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {_short(self.old)} -> {_short(self.new)}"

    def applied_to(self, source: bytes) -> bytes:
        """Return the mutated source."""
        begin, end = self.span
        return source[:begin] + self.new.encode() + source[end:]


def mutants(path: Path, root: Path) -> Iterator[Mutant]:
    """Yield each mutation of the source ``path``, in the order of the source."""
    source = (root / path).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _values(ast.parse(source)):
        for place, other in _others(node):
            begin = starts[place.lineno - 1] + place.col_offset
            end = starts[(place.end_lineno or 0) - 1] + (place.end_col_offset or 0)
            new = f"({ast.unparse(other)})" if isinstance(other, ast.expr) else ast.unparse(other)
            yield Mutant(path, place.lineno, (begin, end), source[begin:end].decode(), new)


def _values(node: ast.AST) -> Iterator[Value]:
    """Yield what is computed at run time. What is for the reader (docstrings, messages, types) is no claim."""
    if isinstance(node, ast.expr | ast.stmt):
        yield node
    if isinstance(node, ast.Raise | ast.JoinedStr) or _is_docstring(node):
        return
    for name, field in ast.iter_fields(node):
        if name in _NO_VALUE or (name == "body" and _is_for_types(node)):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST):
                yield from _values(child)


def _others(node: Value) -> Iterator[tuple[Value, Value]]:
    """Yield what is in a place of ``node``, and what takes its place."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _OTHER:
            yield node, _with(node, ops=[_OTHER[type(op)]()])
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in _OTHER:
            yield node, _with(node, op=_OTHER[type(op)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, operand
        case ast.If(test=test) if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield test, ast.UnaryOp(ast.Not(), test)
        case ast.Raise():
            yield node, ast.Pass()
        case ast.Constant(value=value):
            yield from ((node, ast.Constant(other)) for other in _other_values(value))
        case ast.JoinedStr(values=values) if parts := [part for part in values if isinstance(part, ast.Constant)]:
            if all(isinstance(part.value, str) and _is_token(part.value) for part in parts):
                other = [_with(part, value=f"{part.value!s}X") if part is parts[0] else part for part in values]
                yield node, _with(node, values=other)
        case _:
            return


def _other_values(value: object) -> Iterator[bool | int | str]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str() if _is_token(value):
            yield f"{value}X"
        case _:
            return


def _with(node: Value, **fields: object) -> Value:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _is_token(text: str) -> bool:
    return bool(text) and not any(map(str.isspace, text))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
