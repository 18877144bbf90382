"""Logs on their way to people, harmless in a terminal, or to programs, byte for byte."""

import codecs

from orch.cli.terminal import Terminal
from orch.cli.visible import visible, visible_lines
from orch.cli.writer import STDOUT

_LONGEST_LINE = 1 << 16
"""A line without end is shown in pieces of this length."""


class LogPrinter:
    """Prints one log to stdout, piece after piece, in constant memory."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun_line = ""
        self.is_mid_line = False
        """Whether what is on stdout ends in a line that is not whole."""

    def feed(self, data: bytes) -> None:
        """Print some more; in a terminal no line is printed before it is whole."""
        if not self._terminal.is_terminal:
            STDOUT.write(data)
            self.is_mid_line = not data.endswith(b"\n")
            return
        text = self._begun_line + self._decoder.decode(data)
        whole, line_end, self._begun_line = text.rpartition("\n")
        if len(self._begun_line) > _LONGEST_LINE:
            whole, line_end, self._begun_line = text, "", ""
        self._print_lines(whole + line_end)

    def finish(self) -> None:
        """Print what is held of the last line."""
        if self._terminal.is_terminal:
            self._print_lines(self._begun_line + self._decoder.decode(b"", final=True))
            self._begun_line = ""

    def _print_lines(self, text: str) -> None:
        lines = "".join(f"{line}\n" for line in visible_lines(text))
        STDOUT.write(self._terminal.encode(lines))


def headline(stage: str, attempt: int, stream: str, terminal: Terminal) -> str:
    """The line above a log, where there are several."""
    text = f"== {visible(stage)}, attempt {attempt}, {stream} =="
    return terminal.paint(text, "bold") + "\n"
