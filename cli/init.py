"""`orch init`: a first pipeline, made of what is found in the project."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from orch.cli.bounded_process import find_program
from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.first_pipeline import pipeline_text, stages_of
from orch.cli.options import Command, face_options, root_option
from orch.cli.outcome_text import shell_text
from orch.cli.python_modules import lacks_module
from orch.cli.surroundings import Found, look_around
from orch.cli.visible import visible
from orch.dsl.record import as_dictionary
from orch.runtime.files import StorageError, create_file, make_folder, write_all

_LEFT_BY_RUNS = (".runs/", "out/", ".orch/")


@click.command(
    cls=Command,
    examples=(
        "orch init                     writes pipelines/main.pipeline",
        "orch init --name nightly --stdout    what it would write, and nothing else",
    ),
)
@click.option(
    "--name",
    default="main",
    metavar="NAME",
    help="The pipeline's name, and its file's: pipelines/NAME.pipeline; main unless it is said.",
)
@click.option("--stdout", is_flag=True, help="Print the file; write nothing.")
@root_option
@face_options("text", "json")
def command(*, name: str, stdout: bool, root: str, face: Face) -> int:
    """Write a first pipeline for the project, and say what it is made of.

    It looks at pyproject.toml, package.json, Cargo.toml and go.mod, at the Makefile where none of
    them is there, and makes a stage of each thing that is usual there: lint, build, test. It runs
    nothing, and never writes over a file that exists (exit 2).
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
        raise click.UsageError(
            f"--name takes letters, digits, - and _, with a letter or _ first, not `{name}`"
        )
    file = f"pipelines/{name}.pipeline"
    found = look_around(root)
    text = pipeline_text(name, file, found)
    if not stdout:
        _write_new(os.path.join(root, file), text)
    if not face.is_text:
        face.print_json(_document(file, text, found, is_written=not stdout))
    elif stdout:
        face.note("".join(f"{line}\n" for line in _found_lines(found)))
        face.say(text)
    elif face.verbosity >= 0:
        face.say("".join(f"{line}\n" for line in _told(root, file, found)))
    return 0


def _write_new(path: str, text: str) -> None:
    try:
        make_folder(os.path.dirname(path))
        if os.path.lexists(path):
            raise CommandError(
                f"`{_shown(path)}` is there already, and is left as it is",
                help_text="Take another name with --name, or look with --stdout at what would be "
                "written.",
            )
        fd = create_file(path)
    except StorageError as error:
        raise CommandError(str(error)) from None
    try:
        write_all(path, fd, text.encode())
    finally:
        os.close(fd)


def _told(root: str, file: str, found: Sequence[Found]) -> Iterator[str]:
    """What was found, what was written, and what to do next."""
    yield from _found_lines(found)
    path = _shown(os.path.join(root, file))
    yield f"wrote {path}: {', '.join(stage.id for stage in stages_of(found))}"
    missing = _missing_programs(root, found)
    if missing:
        yield f"not installed here: {', '.join(missing)}"
    yield ""
    yield f"  {shell_text(('orch', 'plan', path))}  what would run, and its bounds"
    yield f"  {shell_text(('orch', 'run', path))}   run it"
    ignored = _not_ignored(root)
    if ignored:
        yield f"  Left by runs, and for .gitignore: {', '.join(ignored)}"


def _found_lines(found: Sequence[Found]) -> Iterator[str]:
    for part in found:
        yield f"found {part.file}: {part.kind}" + (f"; {part.note}" if part.note else "")
    if not any(part.stages for part in found):
        yield "found nothing that says how this project is built; the stages are an example"


def _missing_programs(root: str, found: Sequence[Found]) -> list[str]:
    """Programs that stages start with and that aren't on PATH, and modules that their Python
    lacks."""
    programs = {stage.run.split()[0]: None for stage in stages_of(found)}
    missing = [
        name
        for name in programs
        if "/" not in name and name != "echo" and find_program(name, os.environ) is None
    ]
    for stage in stages_of(found):
        python = re.match(r"(\S*python3?) -m (\w+)", stage.run)
        if python is not None and lacks_module(python[1], python[2], root):
            missing.append(f"{python[2]} for {python[1]}")
    return missing


def _not_ignored(root: str) -> list[str]:
    """Of what runs leave, what git would take for a part of the project."""
    if not os.path.lexists(f"{root}/.git"):
        return []
    try:
        text = Path(root, ".gitignore").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = {line.strip().strip("/") for line in text.splitlines()}
    return [name for name in _LEFT_BY_RUNS if name.strip("/") not in lines]


def _shown(path: str) -> str:
    """A path as one would type it from the current folder."""
    return visible(os.path.relpath(path))


def _document(
    file: str, text: str, found: Sequence[Found], *, is_written: bool
) -> dict[str, object]:
    return {
        "file": file,
        "is_written": is_written,
        "text": text,
        "found": [{"file": part.file, "kind": part.kind, "note": part.note} for part in found],
        "stages": [as_dictionary(stage) for stage in stages_of(found)],
    }
