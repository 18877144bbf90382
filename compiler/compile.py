"""The compiler's table of contents: from a path to a plan, one pass after the other.

| pass         | module          | gives                                                           |
|--------------|-----------------|-----------------------------------------------------------------|
| load         | load.py         | the trees of the entry file and of all it uses                  |
| outline      | outline.py      | what each file declares, held against the table of settings     |
| declarations | declarations.py | types and sources checked                                       |
| requires     | requires.py     | whether the pipeline takes this version of orch                 |
| arguments    | arguments.py    | what is given from outside, by parameter                        |
| expand       | expand.py       | uses inlined, params and lets evaluated, matrices laid out      |
| needs        | needs.py        | who needs whom, as numbers; circles                             |
| stages       | stages.py       | every setting evaluated, policies settled                       |
| assemble     | assemble.py     | the stages in order, with bounds and digest: the plan           |
| lints        | lints.py        | what is never used                                              |
| scripts      | scripts.py      | where scripts stand, for whoever reads them                     |

Passes return new values. Diagnostics are collected by the way, and none of them stops a pass that
can still find an independent one.
"""

import gc
from collections.abc import Mapping
from itertools import chain, islice

from orch.compiler.arguments import read_arguments
from orch.compiler.assemble import Draft, assemble
from orch.compiler.declarations import check_declarations
from orch.compiler.expand import Expander
from orch.compiler.late_reads import LateReads
from orch.compiler.lints import unused
from orch.compiler.load import Loaded, load
from orch.compiler.needs import resolve_needs
from orch.compiler.outline import Outline, outline
from orch.compiler.outside_policies import read_command_line, read_project
from orch.compiler.parameters import Demand
from orch.compiler.policy import (
    BUILT_IN,
    over,
)
from orch.compiler.project_settings import PROJECT_FILE, read_project_settings
from orch.compiler.request import MOST_SCRIPTS, Compilation, Inputs, Request, Script
from orch.compiler.requires import check_requires
from orch.compiler.scripts import scripts_of
from orch.compiler.stages import StageBuilder
from orch.compiler.templates import Templates
from orch.dsl.diagnostics import Diagnostic, sort_diagnostics
from orch.dsl.shown import LONGEST_PATH, shown


def compile_pipeline(root: str, path: str, request: Request) -> Compilation:
    """Compile the file `path`, which lies below `root` and is given relative to it.

    The outcome hangs on nothing but the sources below `root`, the request and the files that globs
    match. Never raises for what a file or a request holds.
    """
    was_enabled = gc.isenabled()
    # A compilation makes many small values and hardly any garbage: looking for it takes a third
    # of the time.
    gc.disable()
    try:
        return _compiled(root, path, request)
    finally:
        if was_enabled:
            gc.enable()


def _compiled(root: str, path: str, request: Request) -> Compilation:
    loaded = load(root, path, request.texts)
    settings = read_project_settings(request.project_file)
    project, project_found = read_project(settings)
    project_found += settings.diagnostics
    # The project's file is shown where it is to blame, and counts as no source otherwise.
    own = {PROJECT_FILE: settings.source} if project_found else {}
    sources = {**own, **loaded.sources}
    if loaded.entry not in loaded.trees:
        found = [*loaded.diagnostics, *project_found]
        return Compilation(None, sort_diagnostics(found), sources)
    outlines, found = _outlines(loaded)
    entry = outlines[loaded.entry]
    arguments = read_arguments(entry, request)
    command_line, command_line_found = read_command_line(
        request.policy, loaded.entry, request.policy_origin
    )
    found += [
        *loaded.diagnostics,
        *arguments.diagnostics,
        *project_found,
        *command_line_found,
    ]
    # A `pipeline` block that can't be read was reported where it stands.
    if entry.pipeline is None and entry.is_whole and request.demand_arguments:
        found.append(_no_pipeline(entry))

    pipeline_name = entry.pipeline.name if entry.pipeline is not None else None
    templates = Templates(root, loaded.sources, pipeline_name, found)
    expansion = Expander(loaded, outlines, templates).expand(
        arguments.of, Demand(request.demand_arguments), over(BUILT_IN, project)
    )
    needs = resolve_needs(expansion, templates)
    late = templates.with_judge(LateReads(expansion, needs.of, templates))
    builder = StageBuilder(expansion.nodes, needs.of, late, command_line)
    stages = tuple(map(builder.build, expansion.nodes))
    is_wanted = request.demand_arguments
    draft = Draft(entry, outlines, expansion, needs, stages, command_line, is_wanted)
    plan = assemble(draft, templates)
    for tree in loaded.trees.values():
        found += unused(tree, outlines[tree.source.path])
    for file in expansion.files if request.demand_arguments else ():
        # Files that use each other would keep each other, for nobody looks for garbage here. Who
        # asks for the expansion does.
        file.groups.clear()
    return Compilation(
        plan=plan if not any(diagnostic.is_error for diagnostic in found) else None,
        diagnostics=sort_diagnostics(found),
        sources=sources,
        inputs=Inputs(arguments.variables, templates.globs),
        policies={"": over(expansion.root.layers, command_line), **builder.policies},
        # Who runs a plan doesn't ask for them.
        scripts=() if request.demand_arguments else _scripts(loaded),
        expansion=None if request.demand_arguments else expansion,
    )


def _outlines(loaded: Loaded) -> tuple[Mapping[str, Outline], list[Diagnostic]]:
    """The outline of every file, and what is wrong with declarations."""
    broken = {diagnostic.path for diagnostic in loaded.diagnostics if diagnostic.is_error}
    outlines: dict[str, Outline] = {}
    found: list[Diagnostic] = []
    for path, tree in loaded.trees.items():
        outlines[path], said = outline(tree, has_syntax_errors=path in broken)
        found += [*said, *check_declarations(outlines[path]), *check_requires(outlines[path])]
    return outlines, found


def _scripts(loaded: Loaded) -> tuple[Script, ...]:
    """The first scripts of all files, one more than anybody reads."""
    found = chain.from_iterable(map(scripts_of, loaded.trees.values()))
    return tuple(islice(found, MOST_SCRIPTS + 1))


def _no_pipeline(entry: Outline) -> Diagnostic:
    path = shown(entry.path, LONGEST_PATH)
    message = f"`{path}` has no `pipeline` block: it is a library, which can be used, not run"
    return Diagnostic("E0005", message, entry.path, None, help="add `pipeline NAME { }`")
