"""How a module can be changed: each mutant is its whole source with one small mistake in it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from tests.mutants.patterns import pattern_changes

__all__ = ["Key", "Mutant", "mutants"]


class Key(NamedTuple):
    """What tells a mutant from all others, whatever moves around it.

    Attributes:
        module: The module's name.
        where: The function, method or constant.
        old: The lines that are changed, with single spaces.
        new: What they become.
        number: Which one, from 1, where a function has several for which all this is the same.

    """

    module: str
    where: str
    old: str
    new: str
    number: int = 1


class Mutant(NamedTuple):
    """A changed module: what the change does, and the whole source."""

    key: Key
    what: str
    source: str


class _Edit(NamedTuple):
    where: str
    start: int
    stop: int
    text: str
    what: str


COMPARISONS: Final[dict[type[ast.cmpop], tuple[str, tuple[str, ...]]]] = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
}
ARITHMETIC: Final[dict[type[ast.operator], tuple[str, str]]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Pow: ("**", "*"),
}
# A name that is called, and others that would type-check in its place.
SWAPS: Final[dict[str, tuple[str, ...]]] = {
    "strip": ("rstrip", "lstrip"),
    "rstrip": ("strip",),
    "find": ("rfind",),
    "rfind": ("find",),
    "index": ("rindex",),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
    "partition": ("rpartition",),
    "rpartition": ("partition",),
    "fullmatch": ("match",),
    "match": ("search", "fullmatch"),
    "search": ("match",),
    "end": ("start",),
    "min": ("max",),
    "max": ("min",),
    "any": ("all",),
    "all": ("any",),
    "_any": ("_some", "_perhaps"),
    "_some": ("_any",),
    "_perhaps": ("_any", "_some"),
}
# What a call of these gives is of the type of what it is called on, so the call can be left out.
TRANSPARENT: Final = frozenset(["strip", "rstrip", "lower", "removesuffix"])


def mutants(module: str, source: str, codes: frozenset[str] = frozenset()) -> Iterator[Mutant]:
    """Yield what a `module` can become by one change; a string that is one of `codes` becomes another of them."""
    data = source.encode()
    numbers: Counter[Key] = Counter()
    seen = {source}
    finder = _Finder(data, codes, patterns=module == "grammar")
    finder.visit(ast.parse(source))
    for edit in finder.edits:
        changed = (data[: edit.start] + edit.text.encode() + data[edit.stop :]).decode()
        if changed not in seen and _is_python(changed):
            seen.add(changed)
            key = Key(module, edit.where, *_changed_lines(source, changed))
            numbers[key] += 1
            yield Mutant(key._replace(number=numbers[key]), edit.what, changed)


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _changed_lines(old: str, new: str) -> tuple[str, str]:
    before, after = old.splitlines(), new.splitlines()
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
    first = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    first = min(len(before), len(after)) if first is None else first
    one, other = (" ".join(" ".join(lines[first:]).split()) for lines in (before, after))
    return one, other


class _Finder(ast.NodeVisitor):
    def __init__(self, data: bytes, codes: frozenset[str], *, patterns: bool) -> None:
        self.edits: list[_Edit] = []
        self._data = data
        self._codes = codes
        self._patterns = patterns
        self._begins = [0, *accumulate(len(line) for line in data.splitlines(keepends=True))]
        self._scope: list[str] = []
        self._stored: Counter[str] = Counter()
        self._in_function = False

    # --- places ---

    def _span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        start = self._begins[node.lineno - 1] + node.col_offset
        return start, self._begins[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def _text(self, node: ast.expr) -> str:
        start, stop = self._span(node)
        return self._data[start:stop].decode()

    def _add(self, start: int, stop: int, text: str, what: str) -> None:
        self.edits.append(_Edit(".".join(self._scope), start, stop, text, what))

    def _replace(self, node: ast.expr | ast.stmt, text: str, what: str) -> None:
        self._add(*self._span(node), text, what)

    def _replace_between(self, left: ast.expr, right: ast.expr, old: str, new: str, what: str) -> None:
        start, stop = self._span(left)[1], self._span(right)[0]
        between = self._data[start:stop].decode()
        self._add(start, stop, between.replace(old, new, 1), what)

    def _drop_each(self, nodes: Sequence[ast.expr | ast.keyword], what: str) -> None:
        """Drop each of several nodes with a comma between them."""
        for place, node in enumerate(nodes):
            start, stop = self._span(node)
            if place + 1 < len(nodes):
                stop = self._span(nodes[place + 1])[0]
            elif place:
                start = self._span(nodes[place - 1])[1]
            self._add(start, stop, "", what)

    # --- statements ---

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list):
            return
        stored, inside = self._stored, self._in_function
        self._stored = Counter(one.id for one in ast.walk(node) if isinstance(one, ast.Name) and _is_store(one))
        self._stored.update(one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg))
        self._in_function = True
        self._scope.append(node.name)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._visit_body(node.body)
        self._scope.pop()
        self._stored, self._in_function = stored, inside

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        inside, self._in_function = self._in_function, False
        self._scope.append(node.name)
        self._visit_body(node.body)
        self._scope.pop()
        self._in_function = inside

    def _visit_body(self, body: Sequence[ast.stmt]) -> None:
        for place, statement in enumerate(body):
            if isinstance(statement, ast.Return) and place + 1 < len(body):
                self._replace(statement, "pass", "a return dropped")
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        if self._text(node.test) == "TYPE_CHECKING":
            return
        for statement in node.body:
            if isinstance(statement, ast.Return):
                self._replace(statement, "pass", "a return dropped")
        self._negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._replace(node, f"({self._text(node.body)})", "always the first")
        self._replace(node, f"({self._text(node.orelse)})", "always the second")
        self.generic_visit(node)

    def _negate(self, test: ast.expr) -> None:
        self._replace(test, f"not ({self._text(test)})", "a test negated")

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self._drop(node)
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._drop(node)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._drop(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._drop(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._drop(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not _is_none(node.value):
            self._replace(node, "return None", "nothing returned")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = [one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        # Without its only value a name is an error wherever it is used: that tells nothing.
        if self._in_function and all(self._stored[name] > 1 for name in names):
            self._drop(node)
        self._visit_assigned(node.targets[0], node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and "TypeAlias" not in self._text(node.annotation):
            self._visit_assigned(node.target, node.value)

    def _visit_assigned(self, target: ast.expr, value: ast.expr) -> None:
        if self._in_function:
            self.visit(value)
        elif not (isinstance(target, ast.Name) and target.id in ("__all__", "__slots__")):
            self._scope.append(self._text(target))
            self.visit(value)
            self._scope.pop()

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._drop(node)
        old, new = ARITHMETIC.get(type(node.op), ("", ""))
        if old:
            self._replace_between(node.target, node.value, f"{old}=", f"{new}=", "arithmetic")
            self._replace_between(node.target, node.value, f"{old}=", "=", "a sum forgotten")
        self.visit(node.value)

    def _drop(self, node: ast.stmt) -> None:
        self._replace(node, "pass", "a statement dropped")

    # --- expressions ---

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, node.comparators, strict=False):
            old, others = COMPARISONS[type(operator)]
            for new in others:
                self._replace_between(left, right, old, new, f"{old} to {new}")
        for operand in node.comparators:
            if isinstance(operand, (ast.Tuple, ast.List, ast.Set)):
                self._drop_each(operand.elts, "a member dropped")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._replace_between(left, right, old, new, f"{old} to {new}")
        spans = [self._span(value) for value in node.values]
        for place in range(len(spans)):
            neutral = "True" if old == "and" else "False"
            self._add(*spans[place], neutral, f"an operand of {old} dropped")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace(node, f"bool({self._text(node.operand)})", "not dropped")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        old, new = ARITHMETIC.get(type(node.op), ("", ""))
        if old and not self._patterns:
            self._replace_between(node.left, node.right, old, new, "arithmetic")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else self._text(node.func)
        stop = self._span(node.func)[1]
        for other in SWAPS.get(name, ()):
            self._add(stop - len(name), stop, other, f"{name} to {other}")
        if isinstance(node.func, ast.Attribute) and name in TRANSPARENT:
            self._replace(node, self._text(node.func.value), f"{name} dropped")
        if node.args and (len(node.args) > 1 or name in TRANSPARENT):
            start = self._span(node.args[-2])[1] if len(node.args) > 1 else self._span(node.args[0])[0]
            self._add(start, self._span(node.args[-1])[1], "", "the last argument dropped")
        if node.keywords:
            before = [node.args[-1]] if node.args else []
            self._drop_each([*before, *node.keywords], "an argument dropped")
            if before:
                # The first of these is no keyword, and was dropped above.
                del self.edits[-len(node.keywords) - 1]
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        # Words for people, which a test may read but need not.
        if node.arg != "expected":
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Slice):
            for bound in (node.slice.lower, node.slice.upper):
                if bound is not None:
                    self._replace(bound, "", "a bound dropped")
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for place, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            start = self._span(key or value)[0]
            following = node.keys[place + 1 :]
            stop = self._span(following[0])[0] if following and following[0] else self._span(value)[1]
            if key is not None:
                self._add(start, stop, "", "an entry dropped")
        self.generic_visit(node)

    def visit_List(self, node: ast.List) -> None:
        if len(node.elts) > 1:
            self._drop_each(node.elts, "a member dropped")
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self._drop_each(node.elts, "a member dropped")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._replace(test, "True", "a condition dropped")
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave it: what is said to people is no decision, and its parts have no places before Python 3.12."""

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._replace(node, str(not node.value), "a constant changed")
            case int():
                for step in (-1, 1):
                    self._replace(node, str(node.value + step), "a constant changed")
            case bytes() if self._patterns:
                self._change_pattern(node)
            case bytes():
                self._change_bytes(node, node.value)
            case str() if node.value in self._codes:
                self._replace(node, '"unspecified"', "another code")
            case str() if not _is_for_people(node.value):
                self._replace(node, repr(node.value + "x"), "a constant changed")
            case _:
                pass

    def _change_pattern(self, node: ast.Constant) -> None:
        text = self._text(node)
        prefix, quote = text[: text.index(text[-1])], text[-1]
        inner = text[len(prefix) + 1 : -1]
        if quote in inner or ("r" not in prefix and "\\" in inner):
            raise ValueError(f"a pattern's literal that is read here as it is written: {text}")
        start = self._span(node)[0] + len(prefix) + 1
        for change in pattern_changes(inner):
            self._add(start + change.start, start + change.stop, change.text, change.what)

    def _change_bytes(self, node: ast.Constant, value: bytes) -> None:
        words = value.split()
        if len(words) > 2:
            for word in words:
                rest = value.replace(word, b"", 1) if value.startswith(word) else value.replace(b" " + word, b"", 1)
                self._replace(node, repr(rest), "a word dropped")
            return
        changed = {value + b"x", b""}
        if len(value) < 4:
            changed |= {value[:place] + value[place + 1 :] for place in range(len(value))} | {value + b"\x0b"}
        for other in sorted(changed - {value}):
            self._replace(node, repr(other), "a constant changed")


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_for_people(text: str) -> bool:
    return text.startswith(("expected", "peer closed", "received"))
