"""What a compilation is given, and what it gives back. Light: the plan cache reads these too."""

from orch.compiler.plan import Plan
from orch.dsl.record import EMPTY, record
from orch.dsl.source import SourceFile, Span
from orch.dsl.type_names import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from orch.compiler.expand import Expansion
    from orch.dsl.diagnostics import Diagnostic

MOST_SCRIPTS = 500
"""So many scripts are read by other tools at most, so that a check stays quick."""


@record
class Request:
    """Everything from outside the sources that a plan may depend on.

    `arguments` are texts (`-p NAME=VALUE`), parsed as their parameters' types; `argument_values`
    are typed already (a `--params` file; with `is_planned` the params of a plan, where durations
    and sizes are numbers). `environment` is only consulted for parameters that name
    a variable. `demand_arguments` is off for `orch check`: a required parameter may then stay
    unknown, a library is fine, and no plan is made. `policy` holds texts of the command line under
    dotted names (`timeout` → `5m`, `retry.attempts` → `3`), or of what `policy_origin` names for
    people in its place; `project_file` the bytes of orch.toml. `texts` are sources that are no
    files, by the path under which they are known; a compilation with any is never kept in the plan
    cache.
    """

    arguments: Mapping[str, str] = EMPTY
    argument_values: Mapping[str, Any] = EMPTY
    environment: Mapping[str, str] = EMPTY
    demand_arguments: bool = True
    policy: Mapping[str, str] = EMPTY
    policy_origin: str = "the command line"
    project_file: bytes = b""
    texts: Mapping[str, bytes] = EMPTY
    is_planned: bool = False


@record
class Inputs:
    """What a compilation consulted beside its sources and its request's own fields.

    `variables` maps the names of environment variables to the value seen (None: not set), `globs`
    the patterns asked to the paths found.
    """

    variables: Mapping[str, str | None] = EMPTY
    globs: Mapping[str, tuple[str, ...]] = EMPTY


NO_INPUTS = Inputs()


@record
class Given:
    """A policy value and where it came from: `built-in`, `the command line`, or a place
    `path:line`, in orch.toml too. `span` is None outside of the sources."""

    value: Any
    origin: str
    span: Span | None = None


@record
class Script:
    """A script that `shell`, which is sh or bash, is to read: a string of the file `path` whose
    quotes open at `start`. `variables` are names that its block puts into the environment."""

    path: str
    start: int
    shell: str
    variables: tuple[str, ...]


@record
class Compilation:
    """The outcome: a plan if there is no error and nothing stayed unknown, and all diagnostics.

    `diagnostics` are sorted, lints among them. `sources` maps paths to the files read. `policies`
    says what is in force where, and where it came from: stage id → dotted setting; under `""` what
    holds for the run, and for stages of the file itself that say nothing of their own. `scripts`
    are those of all files, each once, up to `MOST_SCRIPTS` and one more; `expansion` has the values
    of params and lets, and the combinations of matrices. A request that demands arguments gets
    neither.
    """

    plan: Plan | None
    diagnostics: "tuple[Diagnostic, ...]"
    sources: Mapping[str, SourceFile]
    inputs: Inputs = NO_INPUTS
    policies: Mapping[str, Mapping[str, Given]] = EMPTY
    scripts: tuple[Script, ...] = ()
    expansion: "Expansion | None" = None

    @property
    def is_valid(self) -> bool:
        """Whether no error was found; lints are allowed."""
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)
