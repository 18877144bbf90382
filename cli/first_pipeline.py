"""The text of a project's first pipeline, made of what is found around it."""

from collections.abc import Iterator, Sequence

from orch.cli.surroundings import Found, Suggestion
from orch.dsl.formatter import format_source
from orch.dsl.source import SourceFile

_EXAMPLE = (
    Suggestion("build", "echo 'put the command that builds here'"),
    Suggestion("test", "echo 'and here the one that tests'", ("build",)),
)

_LINE = 90


def stages_of(found: Sequence[Found]) -> tuple[Suggestion, ...]:
    """The stages of all parts, each named after its part where there are several; an example
    where nothing suggests any."""
    parts = [part for part in found if part.stages]
    if len(parts) < 2:
        return parts[0].stages if parts else _EXAMPLE
    return tuple(
        Suggestion(
            f"{_PREFIXES[part.kind]}-{stage.id}",
            stage.run,
            tuple(f"{_PREFIXES[part.kind]}-{need}" for need in stage.needs),
            stage.is_retried,
        )
        for part in parts
        for stage in part.stages
    )


_PREFIXES = {"Python": "python", "JavaScript": "js", "Rust": "rust", "Go": "go", "make": "make"}


def pipeline_text(name: str, path: str, found: Sequence[Found]) -> str:
    """A file in the canonical form; `name` is a name of the language, `path` where it will be."""
    text = "".join(f"{line}\n" for line in _lines(name, path, found))
    formatted, diagnostics = format_source(SourceFile(path, text))
    assert not diagnostics, "what is written here is the language"
    return formatted


def _lines(name: str, path: str, found: Sequence[Found]) -> Iterator[str]:
    files = " and ".join(part.file for part in found if part.stages)
    yield f"# Begun by `orch init` from {files}." if files else "# Begun by `orch init`."
    yield f"# orch plan {path}  shows what would run;"
    yield f"# orch run {path}   runs it."
    yield ""
    yield f'pipeline {name} {{ title = "What every change has to pass" }}'
    yield ""
    yield "policy {"
    yield "  timeout = 10m # The longest that one attempt of a stage may take."
    yield "}"
    for stage in stages_of(found):
        yield ""
        yield from _stage_lines(stage)


def _stage_lines(stage: Suggestion) -> Iterator[str]:
    needs = f"needs = [{', '.join(stage.needs)}]" if stage.needs else ""
    escaped = stage.run.replace("\\", "\\\\")
    run = f'run = "{escaped}"'
    settings = f"{needs}, {run}" if needs else run
    line = f"stage {stage.id} {{ {settings} }}"
    if len(line) <= _LINE and not stage.is_retried:
        yield line
        return
    yield f"stage {stage.id} {{"
    if needs:
        yield f"  {needs}"
    if stage.is_retried:
        yield "  retry { attempts = 2, backoff = 2s..30s } # The network fails at times."
    yield f"  {run}"
    yield "}"
