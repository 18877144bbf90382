"""Diagnostics as data: what is wrong, where, and what would mend it. Faces draw them."""

from enum import Enum

from orch.dsl.record import record
from orch.dsl.source import Span


class Severity(Enum):
    """How bad a diagnostic is; its code says so by its first letter."""

    ERROR = "error"
    """The file can't be planned."""
    WARNING = "warning"
    """A lint: the file can be planned, and the author should look."""


@record
class Related:
    """Another place that a diagnostic is about, such as the first of two definitions."""

    message: str
    path: str
    span: Span


@record
class Diagnostic:
    """One finding of the compiler.

    `code` is one of the catalogue in docs/errors. `message` is one lowercase sentence without a
    full stop, with names in backticks, understandable without the excerpt. `label` is said under
    the carets and may be empty; only `help` proposes a repair. `path` is relative to the project
    root; `span` is None where a file as a whole, or an argument, is meant.
    """

    code: str
    message: str
    path: str
    span: Span | None
    label: str = ""
    help: str | None = None
    related: tuple[Related, ...] = ()

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self.code.startswith("E") else Severity.WARNING

    @property
    def is_error(self) -> bool:
        return self.code.startswith("E")


def sort_diagnostics(found: "list[Diagnostic] | tuple[Diagnostic, ...]") -> tuple[Diagnostic, ...]:
    """Each cause once, sorted by file and place; those without a place come first in their file."""
    unique = {(d.code, d.path, d.span, d.message): d for d in found}

    def place(d: Diagnostic) -> tuple[str, int, int, str]:
        return (d.path, d.span.start if d.span else -1, d.span.end if d.span else -1, d.code)

    return tuple(sorted(unique.values(), key=place))
