"""How a command answers: in which format, how much of it, to which streams."""

import os
from itertools import islice

from orch.cli.terminal import Terminal, terminal_of
from orch.cli.visible import visible
from orch.cli.writer import STDERR, STDOUT
from orch.dsl.json_codec import json_encoder
from orch.dsl.record import changed, record
from orch.dsl.type_names import Any, Iterable


@record
class Face:
    """How the answer is wanted.

    `format` is `text`, `json`, `jsonl`, `sarif`, `github`, or the language of a picture: `svg`,
    `mermaid`, `dot`; `verbosity` is -1, 0 or 1.
    """

    format: str
    verbosity: int
    out: Terminal
    err: Terminal

    @property
    def is_text(self) -> bool:
        return self.format == "text"

    @property
    def is_picture(self) -> bool:
        """Whether the answer is a drawing, and all that is said beside it is for people."""
        return self.format in ("svg", "mermaid", "dot")

    def unseen(self) -> "Face":
        """The same where no person and no program looks on, but for a log of plain text."""
        return changed(self, format="text", out=Terminal(1), err=Terminal(2))

    def say(self, text: str) -> None:
        """Text of the answer, for people, to stdout."""
        STDOUT.write(self.out.encode(text))

    def note(self, text: str) -> None:
        """Words beside the answer, to stderr."""
        STDERR.write(self.err.encode(text))

    def complain(self, sentence: str) -> None:
        """A sentence about what orch could not do, to stderr."""
        self.note(f"orch: {visible(sentence)}\n")

    def print_json(self, value: Any) -> None:
        """One JSON document on one line, sorted keys, UTF-8, to stdout."""
        self.print_line(json_encoder(is_ascii=False, is_sorted=True)(value))

    def print_text(self, text: str) -> None:
        """Text for other programs, UTF-8 whatever the terminal, to stdout."""
        STDOUT.write(text.encode("utf-8", "backslashreplace"))

    def print_line(self, text: str) -> None:
        """A line for programs, such as JSON text, in UTF-8 to stdout."""
        # A lone surrogate, from a file name that is not UTF-8, becomes its JSON escape.
        STDOUT.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def print_parts(self, parts: Iterable[str]) -> None:
        """The same in parts, none of them empty: a large line is not held as a whole."""
        rest = iter(parts)
        while text := "".join(islice(rest, 1000)):
            STDOUT.write(text.encode("utf-8", "backslashreplace"))
        STDOUT.write(b"\n")


def make_face(format_name: str, color: str, verbosity: int) -> Face:
    """`format_name` is a format of `Face`, `color` `auto`, `always` or `never`."""
    out, err = terminal_of(1, color, os.environ), terminal_of(2, color, os.environ)
    return Face(format_name, verbosity, out, err)
