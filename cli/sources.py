"""From the words of a command line to a plan, or to the diagnostics that prevent one."""

import os

from orch.cli.face import Face
from orch.cli.failure import CommandError, SourcesError
from orch.cli.lasting import Lasting
from orch.cli.project import read_params_files, read_project_file, relative_path, split_pairs
from orch.compiler.plan import Plan
from orch.compiler.plan_cache import cached_compilation, store_compilation
from orch.compiler.request import Compilation, Request
from orch.dsl.json_codec import decode_json
from orch.dsl.record import record
from orch.dsl.type_names import TYPE_CHECKING

if TYPE_CHECKING:
    from orch.dsl.diagnostics import Diagnostic


@record
class Given:
    """The words of a command line that a plan may depend on, as they were given."""

    params: tuple[str, ...]
    params_files: tuple[str, ...]
    policies: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.params or self.params_files or self.policies)

    def request(self, root: str, *, demand_arguments: bool) -> Request:
        """Everything from outside the sources that a plan may depend on."""
        return Request(
            arguments=split_pairs(self.params, "--param"),
            argument_values=read_params_files(self.params_files),
            environment=os.environ,
            demand_arguments=demand_arguments,
            policy=split_pairs(self.policies, "--policy"),
            project_file=read_project_file(root),
        )


def compile_file(root: str, file: str, request: Request) -> Compilation:
    """Compile one file, unless the outcome is known: nothing has changed since it was found to
    hold no error. `policies` may be left out."""
    path = relative_path(root, file)
    with Lasting():
        compilation = cached_compilation(root, path, request)
        if compilation is None:
            # This import costs some 70 ms.
            from orch.compiler.compile import compile_pipeline

            compilation = compile_pipeline(root, path, request)
            store_compilation(root, path, request, compilation)
    return compilation


def compile_anew(root: str, file: str, given: Given, consequence: str) -> Compilation:
    """The whole outcome of compiling one file that has a plan, `policies` included.

    Raises `SourcesError` and `CommandError`.
    """
    from orch.compiler.compile import compile_pipeline

    request = given.request(root, demand_arguments=True)
    compilation = compile_pipeline(root, relative_path(root, file), request)
    if compilation.plan is None:
        raise SourcesError(compilation.diagnostics, compilation.sources, consequence)
    return compilation


def load_plan(
    root: str, file: str, given: Given, consequence: str
) -> "tuple[Plan, tuple[Diagnostic, ...]]":
    """The plan of a pipeline file, or the saved plan that a `.json` file holds.

    Also gives the lints found; a saved plan has none.
    Raises `SourcesError` and `CommandError`.
    """
    if file.endswith(".json"):
        if not given.is_empty:
            raise CommandError(
                "a saved plan is run as it is: it takes no --param, --params or --policy"
            )
        return read_saved_plan(file), ()
    request = given.request(root, demand_arguments=True)
    compilation = compile_file(root, file, request)
    if compilation.plan is None:
        raise SourcesError(compilation.diagnostics, compilation.sources, consequence)
    return compilation.plan, compilation.diagnostics


def note_lints(lints: "tuple[Diagnostic, ...]", file: str, face: Face) -> None:
    """Say on stderr that there are lints; what they are is for `orch check`."""
    if lints and face.is_text and face.verbosity >= 0:
        from orch.cli.outcome_text import shell_text
        from orch.cli.units import count_text

        command = shell_text(("orch", "check", file))
        face.note(f"{count_text(len(lints), 'warning')}; `{command}` shows more\n")


def read_saved_plan(path: str) -> Plan:
    """A plan from a file that anybody may have written, so it is validated in full."""
    from orch.compiler.plan import PlanFormatError
    from orch.runtime.schemas import validate_plan

    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise CommandError(f"can't read `{path}`: {(error.strerror or '').lower()}") from None
    try:
        value = decode_json(data)
    except (ValueError, RecursionError):
        raise CommandError(f"`{path}` is not a plan: it is not JSON") from None
    try:
        return validate_plan(value)
    except PlanFormatError as error:
        raise CommandError(f"`{path}` can't be run: {error}") from None
