"""Texts with the place of the pointer marked in them, `¦`, and the project around them."""

from pathlib import Path

from orch.cli.lsp.mentions import Found
from orch.cli.lsp.project import Project
from orch.dsl.source import Span

MARK = "¦"
MAIN = "main.pipeline"


def project_of(root: Path, **files: str) -> Project:
    """A project with an empty orch.toml and files by their names without ending."""
    (root / "orch.toml").touch()
    for name, text in files.items():
        (root / f"{name}.pipeline").write_text(text, encoding="utf-8")
    return Project(str(root))


def opened(project: Project, marked: str, path: str = MAIN) -> int:
    """Open a text without its mark, checked; gives the offset of the mark."""
    text = marked.replace(MARK, "")
    project.open(path, text)
    project.check(path)
    return marked.index(MARK) if MARK in marked else 0


def text_at(project: Project, path: str, span: Span) -> str:
    """A piece of a file."""
    pieced = project.pieced(path)
    assert pieced is not None
    return pieced.text[span.start : span.end]


def shown(project: Project, found: Found) -> str:
    """A mention as `file:line word`."""
    pieced = project.pieced(found.path)
    assert pieced is not None
    line = pieced.text.count("\n", 0, found.span.start) + 1
    return f"{found.path}:{line} {text_at(project, found.path, found.span)}"
