"""What is found wrong with one file, collected while it is read."""

from orch.dsl.diagnostics import Diagnostic
from orch.dsl.limits import MOST_FINDINGS
from orch.dsl.source import Span


class Findings:
    """Collects the diagnostics of one file."""

    __slots__ = ("found", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: list[Diagnostic] = []

    def add(
        self, code: str, span: Span, message: str, label: str = "", hint: str | None = None
    ) -> None:
        """`hint` is the diagnostic's help."""
        if len(self.found) < MOST_FINDINGS:
            self.found.append(Diagnostic(code, message, self.path, span, label, hint))
