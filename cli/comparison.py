"""What a plan is compared with: another file, a saved plan, or a file as a revision of git has it.

Everything on that side is of that side: the files that it uses, those that its globs match, and
its orch.toml. The arguments are the same, but for those that it has no parameter for.
"""

import os
import posixpath
import re
import tempfile

from orch.cli.failure import CommandError, SourcesError
from orch.cli.project import relative_path
from orch.cli.revision import Checkout, Revision, find_revision
from orch.cli.sources import Given, read_saved_plan
from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Plan
from orch.compiler.request import Compilation, Request
from orch.dsl.record import changed


def plan_to_compare(root: str, file: str, other: str, given: Given) -> Plan:
    """The plan of `other`; a revision without a path stands for `file` at that time.

    What is there as a file is taken for one. Raises `SourcesError` and `CommandError`.
    """
    if os.path.lexists(other):
        if other.endswith(".json"):
            return read_saved_plan(other)
        request = given.request(root, demand_arguments=True)
        path = relative_path(root, other)
        return _plan(_compiled(root, path, request), other)
    name, path_there = _split(other)
    revision = find_revision(root, name)
    path = _path_in(revision, path_there) if path_there else _path_of(root, file, name)
    with tempfile.TemporaryDirectory(prefix="orch-diff-") as folder:
        checkout = Checkout(revision, os.path.realpath(folder))
        if path not in checkout:
            raise CommandError(f"there is no `{path}` in `{name}`")
        return _plan(_compiled_there(checkout, path, given), other)


def _split(other: str) -> tuple[str, str]:
    """The revision and the path of `HEAD~1:pipelines/x.pipeline`; braces, as those of
    `HEAD^{/fix: it}`, may hold a colon of their own."""
    depth = 0
    for at, char in enumerate(other):
        depth += (char == "{") - (char == "}")
        if char == ":" and depth <= 0 and at:
            if at == len(other) - 1:
                raise CommandError(f"`{other}` names no file behind its colon")
            return other[:at], other[at + 1 :]
    return other, ""


def _path_of(root: str, file: str, name: str) -> str:
    if file.endswith(".json"):
        raise CommandError(
            f"a saved plan says not of which file it is; say so: `{name}:PATH`, as git does"
        )
    return relative_path(root, file)


def _path_in(revision: Revision, path: str) -> str:
    """A path as git takes it, from the top of the repository or, with `./`, from here, relative to
    the project's root."""
    if path.startswith(("./", "../")):
        return relative_path(revision.root, path)
    inside = posixpath.normpath(path)
    if not inside.startswith(revision.prefix) or inside.startswith(("../", "/")):
        where = f"`{revision.prefix}`" if revision.prefix else "the whole repository"
        raise CommandError(f"`{path}` lies outside of the project, which is {where}")
    return inside.removeprefix(revision.prefix)


def _compiled_there(checkout: Checkout, path: str, given: Given) -> Compilation:
    """Compile a file of a revision. What it reads, and whether it asks for names of files, shows
    while it is compiled; so that is done until nothing is missing."""
    checkout.write_pipelines()
    checkout.write([path])
    while True:
        request = given.request(checkout.folder, demand_arguments=True)
        compilation = _compiled(checkout.folder, path, request)
        is_more = checkout.write(_asked_for(compilation))
        if compilation.inputs.globs:
            is_more = checkout.write_names() or is_more
        if not is_more:
            return compilation


def _asked_for(compilation: Compilation) -> list[str]:
    """Files that were read, empty or missing though they may be yet."""
    missing = [
        words[1]
        for d in compilation.diagnostics
        if d.code == "E0001" and (words := re.match(r"`([^`]+)`", d.message))
    ]
    return [*compilation.sources, *missing]


def _compiled(root: str, path: str, request: Request) -> Compilation:
    """Compile a file; arguments that it has no parameter for are left out."""
    compilation = compile_pipeline(root, path, request)
    unknown = [
        name
        for name in (*request.arguments, *request.argument_values)
        for d in compilation.diagnostics
        if d.code == "E0208" and d.span is None and f"`{name}`" in d.message
    ]
    if not unknown:
        return compilation
    known = changed(
        request,
        arguments={k: v for k, v in request.arguments.items() if k not in unknown},
        argument_values={k: v for k, v in request.argument_values.items() if k not in unknown},
    )
    return compile_pipeline(root, path, known)


def _plan(compilation: Compilation, name: str) -> Plan:
    if compilation.plan is None:
        consequence = f"`{name}` has no plan to compare with"
        raise SourcesError(compilation.diagnostics, compilation.sources, consequence)
    return compilation.plan
