"""What the library raises: three exceptions, all of them with words for people."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import SourceFile


class CompileError(Exception):
    """A pipeline can't be planned. `diagnostics` are all that was found, lints too, sorted by file
    and place; `sources` are the files they speak of, by path. As a text it is what `orch check`
    draws."""

    def __init__(
        self, diagnostics: tuple[Diagnostic, ...], sources: Mapping[str, SourceFile]
    ) -> None:
        super().__init__(diagnostics, sources)
        self.diagnostics = diagnostics
        self.sources = sources

    def __str__(self) -> str:
        from orch.cli.report_diagnostics import draw_diagnostics
        from orch.cli.terminal import PLAIN

        count = len({*self.sources, *(each.path for each in self.diagnostics)})
        return draw_diagnostics(self.diagnostics, self.sources, count, PLAIN).rstrip()


class UsageError(Exception):
    """What was asked for can't be done, and nothing was done: there is no such run or stage, the
    run lives already, a secret is missing, an id is refused. The command exits with 2 then."""


class MachineError(Exception):
    """The machine or its files don't let orch do its work: no space, no rights, a damaged file, no
    Python to start. The command exits with 3 then."""


@contextmanager
def in_words_of_the_library() -> Iterator[None]:
    """Raise what the rooms below have foreseen as one of the exceptions here, and a bug of ours as
    it is."""
    from orch.cli.failure import CommandError
    from orch.cli.foreseen import foreseen_exit_code

    try:
        yield
    except CommandError as error:
        text = f"{error.message}. {error.help_text}".removesuffix(". ")
        raise refusal(error.exit_code, text) from None
    except Exception as error:
        exit_code = foreseen_exit_code(error)
        if exit_code is None:
            raise
        raise refusal(exit_code, str(error)) from None


def refusal(exit_code: int, message: str) -> Exception:
    """The exception for a failure that the command tells by this exit code."""
    return (UsageError if exit_code == 2 else MachineError)(message)
