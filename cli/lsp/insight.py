"""What a check found out, as editors want it: small, and fit to come from another process."""

from collections.abc import Iterable, Mapping

from orch.cli.lsp.wording import value_text
from orch.compiler.compile import compile_pipeline
from orch.compiler.expand import FileInstance
from orch.compiler.matrices import row_text
from orch.compiler.policy import Layers
from orch.compiler.quantities import setting_text
from orch.compiler.request import Compilation, Given, Request
from orch.compiler.settings import dotted_policy
from orch.compiler.values import Unknown, type_of
from orch.dsl.diagnostics import Diagnostic, sort_diagnostics
from orch.dsl.record import record

_MOST_INSTANCES = 100
_MOST_ROWS = 12
_SPECS = dotted_policy()


@record
class Resolved:
    """A value as a file would write it, and the name of its type, which is empty where it has none
    or isn't known."""

    text: str
    type: str


@record
class Rows:
    """The combinations of a matrix: how many, the first of them, and the values of each axis."""

    count: int
    first: tuple[str, ...]
    axes: Mapping[str, tuple[str, ...]]


@record
class Instance:
    """A file with the arguments that one use, or nobody, gave it: the values of its params and
    lets, and the combinations of its matrices by stage or alias. `prefix` is that of its stages."""

    path: str
    prefix: str
    values: Mapping[str, Resolved]
    rows: Mapping[str, Rows]


@record
class InForce:
    """A policy value as a file would write it, and the place it came from."""

    text: str
    origin: str


@record
class Insight:
    """`paths` are the files read, `policies` the values in force by stage id and dotted name."""

    diagnostics: tuple[Diagnostic, ...]
    paths: tuple[str, ...]
    instances: tuple[Instance, ...]
    policies: Mapping[str, Mapping[str, InForce]]


def look_into(root: str, path: str, request: Request, shellcheck: str | None = None) -> Insight:
    """Compile a file as `orch check` does, and keep what editors ask about. `shellcheck` is the
    program that reads the scripts besides, which takes a while."""
    compilation = compile_pipeline(root, path, request)
    found = compilation.diagnostics
    if shellcheck is not None and compilation.scripts:
        from orch.cli.shellcheck import shell_findings

        findings = shell_findings(shellcheck, compilation.scripts, compilation.sources)
        found = sort_diagnostics([*found, *findings.diagnostics])
    files = () if compilation.expansion is None else compilation.expansion.files
    return Insight(
        found,
        tuple(compilation.sources),
        tuple(map(_instance, files[:_MOST_INSTANCES])),
        _policies(compilation),
    )


def _instance(file: FileInstance) -> Instance:
    values = {name: _resolved(value) for name, value in file.constants.items()}
    matrices = {
        name: _rows([member.row for member in group.members])
        for name, group in file.groups.items()
        if "matrix" in group.section.sections
    }
    return Instance(file.outline.path, file.prefix, values, matrices)


def _resolved(value: object) -> Resolved:
    type_ = None if isinstance(value, Unknown) else type_of(value)
    return Resolved(value_text(value), "" if type_ is None else str(type_))


def _rows(rows: list[Mapping[str, object]]) -> Rows:
    axes = {
        axis: _once(value_text(row[axis]) for row in rows) for axis in (rows[0] if rows else ())
    }
    return Rows(len(rows), tuple(row_text(row) for row in rows[:_MOST_ROWS]), axes)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _policies(compilation: Compilation) -> Mapping[str, Mapping[str, InForce]]:
    """Stages with the same values share one mapping, and values of one place one record."""
    whole: dict[int, Mapping[str, InForce]] = {}
    parts: dict[tuple[str, int], InForce] = {}

    def in_force(layers: Layers) -> Mapping[str, InForce]:
        return {
            name: parts.get((name, id(given)))
            or parts.setdefault((name, id(given)), _in_force(name, given))
            for name, given in layers.items()
        }

    return {
        stage: whole.get(id(layers)) or whole.setdefault(id(layers), in_force(layers))
        for stage, layers in compilation.policies.items()
    }


def _in_force(name: str, given: Given) -> InForce:
    shown = "none" if given.value is None else setting_text(given.value, _SPECS[name].shape)
    return InForce(shown, given.origin)
