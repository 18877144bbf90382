"""Why a command could not do what was asked, in words for people and with an exit code."""

from orch.dsl.type_names import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from orch.dsl.diagnostics import Diagnostic
    from orch.dsl.source import SourceFile

EXIT_USAGE = 2
EXIT_MACHINE = 3


class CommandError(Exception):
    """The command ends with `exit_code`; the message and the help are shown on stderr."""

    def __init__(self, message: str, exit_code: int = EXIT_USAGE, help_text: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.help_text = help_text


class SourcesError(Exception):
    """Sources have errors: exit code 2, drawn for people or printed as JSON.

    `consequence` is said to people, such as `nothing was run`.
    """

    def __init__(
        self,
        diagnostics: "tuple[Diagnostic, ...]",
        sources: "Mapping[str, SourceFile]",
        consequence: str,
    ) -> None:
        super().__init__(consequence)
        self.diagnostics = diagnostics
        self.sources = sources
        self.consequence = consequence
