"""Where in a script a template stands: what the value must be escaped for."""

from typing import Literal

from orch.dsl.record import record

Context = Literal["bare", "double", "single", "literal", "unproved"]


@record
class Place:
    """The place of one template.

    `bare`, `double` and `single` are places in a shell's word: outside of quotes, inside double
    and inside single ones. `literal` is a place where a literal of Python or JavaScript may stand.
    `unproved` is any other place, and `reason` says which.

    `is_word`: the template is a whole bare word, so that a list may become several; `is_command`:
    it is the word that a command begins with, so that without it the next word would be.
    `is_argument`: a value of plain letters may stand there without quotes.
    `is_after_variable`: a `$name` ends directly before it, inside the same double quotes.
    `may_be_option`: the value begins a word that a command may take for an option (W0704).
    `second_reader` names the command that takes the text apart again (W0703), `evaluator` what
    does so with all but numbers.
    """

    context: Context
    reason: str = ""
    is_word: bool = False
    is_command: bool = False
    is_argument: bool = False
    is_after_variable: bool = False
    may_be_option: bool = False
    second_reader: str | None = None
    evaluator: str | None = None


OPTION_OF_PRINTF = "as the format of `printf`, which may be an option that names a variable"
FORMAT_OF_PRINTF = "in the format of `printf` with other values behind it"


def unproved(reason: str) -> Place:
    return Place("unproved", reason)


class LostError(Exception):
    """The script holds something that isn't understood; nothing behind it can be proved."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
