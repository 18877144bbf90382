"""Every help that the sources of the dsl and the compiler can give, found by reading them.

A help is what becomes the `help` of a `Diagnostic`. It is followed backwards: through variables,
parameters, what functions return, tables, and exceptions that carry one.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
_CARRIED = ("help", "help_")


class UnknownWayError(Exception):
    """A help comes by a way that isn't followed here."""


@dataclass(frozen=True, order=True)
class Help:
    """Where a help stands, and what it looks like: `.*` for each part that isn't constant."""

    place: str
    pattern: str


@dataclass(frozen=True)
class _Here:
    """What an expression stands in: its file, and its function, None at the top."""

    path: str
    function: Function | None


@dataclass
class _Sources:
    """The parsed files, by what is asked of them."""

    tables: dict[tuple[str, str], ast.expr] = field(default_factory=dict)
    functions: dict[str, list[tuple[str, Function]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    takers: dict[str, list[tuple[str, list[str]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By name, the parameters of functions and classes, and the files that these stand in."""
    calls: dict[str, list[tuple[_Here, ast.Call]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    owners: dict[Function, str] = field(default_factory=dict)
    """By what name a function is called: an `__init__` by that of its class."""


def helps_in(*folders: Path) -> list[Help]:
    """All helps of the Python files of some folders, sorted; constant near misses aside."""
    sources = _Sources()
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            _read(sources, f"{folder.name}/{path.name}", ast.parse(path.read_text()))
    return sorted(set(_Search(sources).found("Diagnostic", "help")))


def _read(sources: _Sources, path: str, tree: ast.Module) -> None:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                sources.tables[path, name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                sources.tables[path, name] = value
            case _:
                pass
    _read_inside(sources, tree, _Here(path, None), None)


def _read_inside(sources: _Sources, node: ast.AST, here: _Here, owner: str | None) -> None:
    for each in ast.iter_child_nodes(node):
        inner, inner_owner = here, owner
        if isinstance(each, Function):
            name = owner if owner and each.name == "__init__" else each.name
            parameters = [arg.arg for arg in (*each.args.posonlyargs, *each.args.args)]
            is_bound = owner is not None and parameters[:1] == ["self"]
            named = parameters[is_bound:] + [arg.arg for arg in each.args.kwonlyargs]
            sources.owners[each] = name
            sources.takers[name].append((here.path, named))
            sources.functions[name].append((here.path, each))
            inner, inner_owner = _Here(here.path, each), None
        elif isinstance(each, ast.ClassDef):
            inner_owner = each.name
            fields = [
                one.target.id
                for one in each.body
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            ]
            if fields:
                sources.takers[each.name].append((here.path, fields))
        elif isinstance(each, ast.Call) and (name := _called(each)):
            sources.calls[name].append((here, each))
        _read_inside(sources, each, inner, inner_owner)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _given(call: ast.Call, name: str, at: int) -> tuple[ast.expr | None, int | None]:
    """What a call gives for a parameter; behind a `*` which item of it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value, None
    for place, each in enumerate(call.args[: at + 1]):
        if isinstance(each, ast.Starred):
            return each.value, at - place
    return (call.args[at], None) if at < len(call.args) else (None, None)


def _is_nothing(node: ast.expr) -> bool:
    """Whether an expression is no help, a near miss, or what is read back from the cache."""
    match node:
        case ast.Constant(value=None) | ast.Subscript(slice=ast.Constant(value="help")):
            return True
        case _:
            return isinstance(node, ast.Call) and _called(node) == "did_you_mean"


def _inside(node: ast.expr, index: int | None) -> list[tuple[ast.expr, int | None]] | None:
    """The expressions that one can be, each with what is wanted of it; None for no choice."""
    found: list[tuple[ast.expr, int | None]] | None = None
    match node:
        case ast.Tuple(elts=items) if index is not None:
            found = [(items[index], None)]
        case ast.IfExp(body=one, orelse=other):
            found = [(one, index), (other, index)]
        case ast.BoolOp(op=ast.And(), values=values):
            found = [(values[-1], index)]
        case ast.BoolOp(values=values) | ast.Dict(values=values):
            found = [(value, index) for value in values]
        case ast.Subscript(value=ast.Name() as table):
            found = [(table, index)]
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=args):
            found = [(each, index) for each in (table, *args[1:])]
        case ast.Call(func=ast.Attribute(value=inner, attr="format")):
            found = [(inner, index)]
        case _:
            pass
    return found


class _Search:
    """Follows helps backwards, each way once."""

    def __init__(self, sources: _Sources) -> None:
        self._sources = sources
        self._seen: set[object] = set()

    def found(self, taker: str, parameter: str) -> Iterator[Help]:
        """What is given for a parameter of a function or a class."""
        if (taker, parameter) in self._seen:
            return
        self._seen.add((taker, parameter))
        for path, names in self._sources.takers[taker]:
            if parameter not in names:
                continue
            for here, call in self._sources.calls[taker]:
                if taker.startswith("_") and here.path != path:
                    continue
                given, index = _given(call, parameter, names.index(parameter))
                if given is not None:
                    yield from self._of(given, here, index)

    def _of(self, node: ast.expr, here: _Here, index: int | None = None) -> Iterator[Help]:
        """The helps that an expression can be, or that its item at `index` can be."""
        inner = _inside(node, index)
        if _is_nothing(node):
            return
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            yield from self._texts(node, here)
        elif inner is not None:
            for each, at in inner:
                yield from self._of(each, here, at)
        elif isinstance(node, ast.Name):
            yield from self._of_name(node.id, here, index)
        elif isinstance(node, ast.Call):
            yield from self._of_function(_called(node), here, index)
        elif isinstance(node, ast.Attribute) and node.attr in _CARRIED:
            for taker in [each for each in self._sources.takers if each[0].isupper()]:
                for parameter in _CARRIED:
                    yield from self.found(taker, parameter)
        else:
            raise UnknownWayError(f"{here.path}:{node.lineno}: {ast.unparse(node)}")

    def _texts(self, node: ast.expr, here: _Here) -> Iterator[Help]:
        place = f"{here.path}:{node.lineno}"
        if isinstance(node, ast.BinOp):
            sides = [self._side(each, here) for each in (node.left, node.right)]
            yield from (Help(place, one + other) for one in sides[0] for other in sides[1])
        elif isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(each.value)) if isinstance(each, ast.Constant) else ".*"
                for each in node.values
            ]
            yield Help(place, "".join(parts))
        elif isinstance(node, ast.Constant):
            yield Help(place, _filled(str(node.value)))

    def _side(self, node: ast.expr, here: _Here) -> list[str]:
        is_read = isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Name)
        return [each.pattern for each in self._of(node, here)] if is_read else [".*"]

    def _of_name(self, name: str, here: _Here, index: int | None) -> Iterator[Help]:
        function = here.function
        if (here, name, index) in self._seen:
            return
        if function is not None:
            arguments = function.args
            if name in [a.arg for a in (*arguments.args, *arguments.kwonlyargs)]:
                yield from self.found(self._sources.owners[function], name)
            assigned = list(_assigned(function, name))
            for value, at in assigned:
                yield from self._of(value, here, at if at is not None else index)
            if assigned or name in [a.arg for a in (*arguments.args, *arguments.kwonlyargs)]:
                return
        table = self._sources.tables.get((here.path, name))
        if table is None:
            raise UnknownWayError(f"{here.path}: {name}")
        yield from self._of(table, _Here(here.path, None), index)

    def _of_function(self, name: str, here: _Here, index: int | None) -> Iterator[Help]:
        known = self._sources.functions[name]
        own = [each for each in known if each[0] == here.path] or known
        if not own:
            raise UnknownWayError(f"{here.path}: {name}(…)")
        for path, function in own:
            if (function, index) in self._seen:
                continue
            self._seen.add((function, index))
            for each in ast.walk(function):
                if isinstance(each, ast.Return) and each.value is not None:
                    yield from self._of(each.value, _Here(path, function), index)


def _filled(text: str) -> str:
    """The pattern of a text, and of what `format` makes of one with names in braces."""
    parts = re.split(r"\{\w+\}", text)
    if len(parts) > 1:
        parts = [part.replace("{{", "{").replace("}}", "}") for part in parts]
    return ".*".join(map(re.escape, parts))


def _assigned(function: Function, name: str) -> Iterator[tuple[ast.expr, int | None]]:
    """What a variable of a function becomes, and which item of it."""
    for each in ast.walk(function):
        match each:
            case ast.Assign(targets=[ast.Name(id=own)], value=value) if own == name:
                yield value, None
            case ast.AnnAssign(target=ast.Name(id=own), value=ast.expr() as value) if own == name:
                yield value, None
            case ast.NamedExpr(target=ast.Name(id=own), value=value) if own == name:
                yield value, None
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                for at, target in enumerate(targets):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield value, at
            case _:
                pass
