"""The values that may stand on a command line: files, runs, stages, parameters and other names."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from orch.cli.completing import Candidate, Line
from orch.cli.project import find_pipeline, find_root, named_pipelines
from orch.compiler.project_files import read_regular_file
from orch.dsl.decode import decode_source
from orch.dsl.source import MOST_BYTES
from orch.dsl.tree import Block, Integer, List, Name, Setting, String, Value

_MOST_RUNS = 100
_SAVED_PLANS = frozenset({"run", "plan"})


def values_of(parameter: str, line: Line) -> Iterable[Candidate]:
    """Candidates for a parameter of the line's command; none where anything goes."""
    name = f"{line.command}.{parameter}"
    find = VALUES.get(name) or VALUES.get(parameter)
    return () if find is None else find(line)


def _root(line: Line) -> str:
    return find_root(line.last("root"), os.environ)


# -- files ----------------------------------------------------------------------------


def _paths(word: str, endings: tuple[str, ...] | None) -> Iterator[Candidate]:
    """Files with these endings (None: all), and folders, which end in `/`."""
    folder, slash, begin = word.rpartition("/")
    above = f"{folder}{slash}"
    with os.scandir(os.path.expanduser(above) or ".") as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            is_hidden = entry.name.startswith(".") and not begin.startswith(".")
            if is_hidden or not entry.name.startswith(begin):
                continue
            # What begins with a dash would be taken for an option.
            name = f"./{entry.name}" if not word and entry.name.startswith("-") else entry.name
            if entry.is_dir():
                yield Candidate(f"{above}{name}/")
            elif endings is None or entry.name.endswith(endings):
                yield Candidate(f"{above}{name}")


def _any_file(line: Line) -> Iterator[Candidate]:
    return _paths(line.word, None)


def _tables(line: Line) -> Iterator[Candidate]:
    return _paths(line.word, (".toml", ".json"))


def _folders(line: Line) -> Iterator[Candidate]:
    return _paths(line.word, ())


def _pipelines(line: Line) -> Iterator[Candidate]:
    """Files; of saved plans too where they may be given."""
    endings = (".pipeline", ".json") if line.command in _SAVED_PLANS else (".pipeline",)
    return _paths(line.word, endings)


def _named_pipelines(line: Line) -> Iterator[Candidate]:
    """The names of the pipelines in `pipelines/`, and files."""
    names = sorted(named_pipelines(_root(line)))
    return chain(
        (Candidate(name, f"pipelines/{name}.pipeline") for name in names), _pipelines(line)
    )


# -- what a file declares -------------------------------------------------------------


def _file(line: Line) -> str | None:
    """The file that the line is about, as a path; None where none is named yet."""
    given = line.last("file", "files")
    return None if given is None else find_pipeline(_root(line), given)


def _stages_of_file(line: Line) -> Iterator[Candidate]:
    """The stages of the plan, and matrix stages as a whole; where there is no plan, those that
    the file declares."""
    from orch.cli.sources import Given, compile_file

    file = _file(line)
    if file is None:
        return
    params, params_files = line.given.get("params", ()), line.given.get("params_files", ())
    root = _root(line)
    request = Given(params, params_files, ()).request(root, demand_arguments=True)
    plan = compile_file(root, file, request).plan
    if plan is None:
        yield from _declared(file, "stage", "service", "finally")
        return
    for stage in plan.stages:
        whole, bracket, _ = stage.id.partition("[")
        if bracket:
            yield Candidate(whole, "all of its matrix")
        yield Candidate(stage.id, stage.title or "")


def _declared(file: str, *keywords: str) -> Iterator[Candidate]:
    for block in _blocks(file):
        if block.keyword.text in keywords and isinstance(block.label, Name):
            yield Candidate(block.label.text)


def _blocks(file: str) -> tuple[Block, ...]:
    from orch.dsl.parse import parse

    source, _ = decode_source(file, read_regular_file(file, MOST_BYTES))
    return parse(source)[0].blocks


def _parameters(line: Line) -> Iterator[Candidate]:
    """`NAME=` for each parameter of the file, then its values, as far as they can be listed."""
    file = _file(line)
    if file is None:
        return
    name, equals, value = line.word.partition("=")
    for block in _blocks(file):
        if block.keyword.text != "param" or not isinstance(block.label, Name):
            continue
        type_name = "" if block.type is None else block.type.name.text
        if not equals:
            yield Candidate(f"{block.label.text}=", _text_of(block, "help") or type_name)
        elif block.label.text == name:
            for text in _values(block, type_name, value):
                yield Candidate(f"{name}={text}")


def _values(block: Block, type_name: str, word: str) -> Iterator[str]:
    if type_name == "bool":
        yield from ("true", "false")
    elif type_name == "path":
        yield from (candidate.text for candidate in _paths(word, None))
    for item in block.body or ():
        match item:
            case Setting(name=Name(text="in"), value=List(items=values)):
                yield from (text for value in values if (text := _plain_text(value)))
            case _:
                pass


def _text_of(block: Block, setting: str) -> str | None:
    """The text of a setting of a block, where it has one without templates."""
    for item in block.body or ():
        match item:
            case Setting(name=Name(text=name), value=value) if name == setting:
                return _plain_text(value)
            case _:
                pass
    return None


def _plain_text(value: Value) -> str | None:
    match value:
        case String(is_static=True):
            return value.static_text
        case Integer():
            return str(value.value)
        case _:
            return None


# -- runs -----------------------------------------------------------------------------


def _runs(line: Line) -> Iterator[Candidate]:
    """`last`, and the newest runs."""
    from orch.runtime import clock
    from orch.runtime.run_list import list_newest

    yield Candidate("last", "the newest run")
    task = line.last("task")
    for run in list_newest(_root(line), os.environ, task, _MOST_RUNS, clock.wall_ms()):
        status = "unreadable" if run.status is None else run.status.value
        yield Candidate(run.run_id, f"{run.pipeline or run.task_id} {status}")


def _stages_of_run(line: Line, run: str | None) -> Iterator[Candidate]:
    from orch.runtime.paths import find_run
    from orch.runtime.plan_file import read_plan

    paths = find_run(_root(line), run or "last", os.environ, line.last("task"))
    for stage in read_plan(paths.plan).stages:
        yield Candidate(stage.id, stage.title or "")


def _stages_of_given_run(line: Line) -> Iterator[Candidate]:
    return _stages_of_run(line, line.last("word"))


def _stage_with_its_run(line: Line) -> Iterator[Candidate]:
    """`orch why [RUN] STAGE`: a stage of the last run, or a run and then a stage of it."""
    given = line.given.get("words", ())
    if not given:
        yield from _stages_of_run(line, None)
        yield from _runs(line)
    elif len(given) == 1:
        yield from _stages_of_run(line, given[0])


def _tasks(line: Line) -> Iterator[Candidate]:
    from orch.runtime.paths import place_of_runs

    with os.scandir(place_of_runs(_root(line), os.environ)) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    return (Candidate(name) for name in names if not name.startswith("."))


# -- names that orch knows ------------------------------------------------------------


def _codes(line: Line) -> Iterator[Candidate]:
    from orch.dsl.catalogue import CODES

    del line
    return (Candidate(code, headline) for code, headline in CODES.items())


def _schemas(line: Line) -> Iterator[Candidate]:
    from orch.runtime.schemas import schema_names

    del line
    return (Candidate(name) for name in schema_names())


def _policies(line: Line) -> Iterator[Candidate]:
    from orch.compiler.settings import dotted_policy

    del line
    return (Candidate(f"{name}=", spec.doc) for name, spec in dotted_policy().items())


def _variables(line: Line) -> Iterator[Candidate]:
    del line
    return (Candidate(name) for name in sorted(os.environ))


VALUES: dict[str, Callable[[Line], Iterable[Candidate]]] = {
    "code": _codes,
    "file": _pipelines,
    "files": _pipelines,
    "junit": _any_file,
    "onwards": _stages_of_file,
    "only": _stages_of_file,
    "other": _pipelines,
    "output": _any_file,
    "params": _parameters,
    "params_files": _tables,
    "policies": _policies,
    "root": _folders,
    "secrets": _variables,
    "task": _tasks,
    "word": _runs,
    "logs.stage": _stages_of_given_run,
    "policy.stage": _stages_of_file,
    "run.file": _named_pipelines,
    "start.file": _named_pipelines,
    "schema.name": _schemas,
    "why.words": _stage_with_its_run,
}
"""What may stand for a parameter, by its name, or by those of the command and the parameter."""
