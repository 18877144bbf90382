"""What is declared in a file and never used there: params, lets, secrets, pools (W0701).

A name that somebody nearly used, so that the mention is an error, counts as used: that error is
the one to mend. A file of which something was lost is not judged.
"""

from collections.abc import Iterable, Iterator, Mapping

from orch.compiler.expression import parse_expression
from orch.compiler.outline import Outline
from orch.compiler.sections import Section
from orch.compiler.settings import BLOCKS
from orch.compiler.value_nodes import templates_in
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.suggest import near_miss
from orch.dsl.tree import Block, List, Reference, Setting, SyntaxTree, Value

_SETTINGS = BLOCKS["stage"].settings


def unused(tree: SyntaxTree, outline: Outline) -> list[Diagnostic]:
    """The lints of one file."""
    if not outline.is_whole:
        return []
    mentions = _mentions(tree)
    if mentions is None:
        return []
    named, secrets, pools = mentions
    constants = {**outline.params, **outline.lets}
    return [
        *_unused("param", outline.params, named, constants, outline.path),
        *_unused("let", outline.lets, named, constants, outline.path),
        *_unused("secret", outline.secrets, secrets | named, outline.secrets, outline.path),
        *_unused("pool", outline.pools, pools, outline.pools, outline.path),
    ]


def _unused(
    what: str,
    declared: Mapping[str, Section],
    mentioned: set[str],
    known: Mapping[str, Section],
    path: str,
) -> Iterator[Diagnostic]:
    if declared.keys() <= mentioned:
        return
    meant = {near_miss(name, known) for name in mentioned if name not in known}
    for name, section in declared.items():
        # Of a name that can't be one (E0210) nobody knows whether it is meant somewhere.
        is_bad = "-" in name and not section.spec.may_hold_dash
        if name not in mentioned and name not in meant and not is_bad:
            message = f"{what} `{name}` is never used"
            yield Diagnostic("W0701", message, path, section.name_span)


def _mentions(tree: SyntaxTree) -> tuple[set[str], set[str], set[str]] | None:
    """Names in templates, in `secrets`, and in `pool`; None where a template can't be read."""
    named: set[str] = set()
    secrets: set[str] = set()
    pools: set[str] = set()
    for setting_name, value in _values(tree.blocks):
        for template in templates_in(value):
            expression = parse_expression(template, tree.source.path)
            if isinstance(expression, Diagnostic):
                return None
            named |= {name.name for name in expression.names if name.root != "matrix"}
        # What is misspelt (`secrts = [TOKEN]`) mentions them too.
        is_unknown = setting_name not in _SETTINGS
        if setting_name == "secrets" or is_unknown:
            secrets |= _words(value)
        if setting_name == "pool" or is_unknown:
            pools |= _words(value)
    return named, secrets, pools


def _values(items: Iterable[object]) -> Iterator[tuple[str, Value]]:
    for item in items:
        if isinstance(item, Setting):
            yield getattr(item.name, "text", ""), item.value
        elif isinstance(item, Block):
            if item.value is not None:
                yield "", item.value
            yield from _values(item.body or ())


def _words(value: Value) -> set[str]:
    items = value.items if isinstance(value, List) else (value,)
    return {item.word for item in items if isinstance(item, Reference) and item.word is not None}
