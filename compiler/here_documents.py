"""Here-documents of a shell script: where they end."""

import re

from orch.compiler.places import LostError
from orch.dsl.record import record

_OPENERS = re.compile(r"\$[({]|`")


@record
class HereDocument:
    """`<<END`, or `<<-END`, which strips tabs; with a quoted delimiter nothing is expanded."""

    delimiter: str
    is_quoted: bool
    strips_tabs: bool

    def end(self, text: str, at: int) -> int:
        """The offset behind the document that begins at `at`; without its end, that of the text.

        Raises `LostError` where shells may find different ends.
        """
        is_continued = False
        while at < len(text):
            line_end = text.find("\n", at)
            line = text[at:] if line_end < 0 else text[at:line_end]
            at = len(text) if line_end < 0 else line_end + 1
            if self.strips_tabs:
                line = line.lstrip("\t")
            if line == self.delimiter:
                if is_continued:
                    raise LostError("a here-document that ends in a continued line")
                return at
            if not self.is_quoted:
                _refuse_open_line(line)
                is_continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        return at


def _refuse_open_line(line: str) -> None:
    """A substitution in a here-document must end in its line: shells look for the end apart."""
    if _OPENERS.search(line):
        pairs = (line.count("(") - line.count(")"), line.count("{") - line.count("}"))
        if pairs != (0, 0) or line.count("`") % 2:
            raise LostError("a substitution over several lines in a here-document")
