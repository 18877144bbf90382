"""What a stream can show: colours, marks, width, and whether it is a terminal to draw in."""

import os
import sys

from orch.cli.visible import width_of
from orch.dsl.record import record
from orch.dsl.type_names import Mapping, Sequence

_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}

_MARKS = {
    "succeeded": ("✓", "ok"),
    "failed": ("✗", "FAILED"),
    "skipped": ("○", "skipped"),
    "cancelled": ("■", "cancelled"),
    "running": ("▸", ">"),
    "ready": ("·", "."),
    "waiting": ("·", "."),
    "stale": ("?", "?"),
    "lost": ("✗", "LOST"),
    "retrying": ("↻", "retry"),
    "warning": ("!", "!"),
    "ellipsis": ("…", "..."),
    "dot": ("·", "-"),
    "arrow": ("→", "->"),
    "branch": ("├─ ", "|- "),
    "corner": ("└─ ", "`- "),
    "bar": ("│", "|"),
}

_STATUS_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "lost": "red",
    "cancelled": "yellow",
    "stale": "yellow",
    "retrying": "yellow",
    "skipped": "dim",
    "waiting": "dim",
    "ready": "dim",
    "running": "cyan",
}

SPINNERS = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")

Pieces = list[tuple[str, ...]]
"""A line in the making: pieces of text, each with the styles it is painted in."""

DEFAULT_WIDTH = 100
"""Columns of what is not a terminal, the same everywhere so that logs can be compared."""


@record
class Terminal:
    """What may be drawn on one file descriptor.

    `is_live` means that the cursor may be moved: a terminal, not a dumb one, and nobody's log.
    `is_obeyed` means that who reads it looks for commands in it, as GitHub Actions does.
    """

    fd: int
    is_terminal: bool = False
    is_live: bool = False
    has_color: bool = False
    has_unicode: bool = True
    is_obeyed: bool = False
    encoding: str = "utf-8"

    def drawn(self, pieces: Pieces) -> str:
        """A line of its pieces."""
        return "".join(self.paint(*piece) for piece in pieces)

    def paint(self, text: str, *styles: str) -> str:
        """The text in these styles, or as it is where there are no colours."""
        if not (self.has_color and text and styles):
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"

    def mark(self, name: str) -> str:
        """A sign such as `succeeded`, in words where the encoding has no signs."""
        return _MARKS[name][0 if self.has_unicode else 1]

    def status_mark(self, status: str) -> str:
        """The sign of a status, in its colour."""
        return self.paint(self.mark(status), _STATUS_STYLES[status])

    def status_marks(self, statuses: Sequence[str]) -> tuple[list[str], int]:
        """The signs of statuses as one column, and its cells: in words they differ in width."""
        widths = [width_of(self.mark(status)) for status in statuses]
        column = max(widths, default=0)
        padded = zip(statuses, widths, strict=True)
        return [self.status_mark(each) + " " * (column - width) for each, width in padded], column

    def style(self, status: str) -> str:
        """The style that a status is painted in."""
        return _STATUS_STYLES[status]

    def size(self) -> tuple[int, int]:
        """Columns and rows, asked anew each time, for windows change."""
        try:
            columns, rows = os.get_terminal_size(self.fd)
        except OSError:
            return DEFAULT_WIDTH, 24
        return columns or 80, rows or 24

    def harmless(self, text: str) -> str:
        """Lines of which none begins with a program's output, without commands in them either:
        the runner of GitHub looks for `::error::` where a line begins, for `##[error]` anywhere."""
        return text.replace("##[", "## [") if self.is_obeyed else text

    def spelled(self, text: str) -> str:
        """The text as this stream will show it, to be measured: `encode` may make it longer."""
        return text if text.isascii() else self.encode(text).decode(self.encoding)

    def encode(self, text: str) -> bytes:
        """Bytes for this stream; what its encoding lacks is spelled out."""
        return text.encode(self.encoding, "backslashreplace")


PLAIN = Terminal(1)


def terminal_of(fd: int, color: str, environment: Mapping[str, str]) -> Terminal:
    """Judge a stream: `color` is `auto`, `always` or `never`.

    `NO_COLOR` (not empty) takes colours away, `CI` and `TERM=dumb` both colours and the live
    view; `--color` given in words beats the environment in what concerns colours.
    """
    is_terminal = _is_terminal(fd)
    is_quiet_place = bool(environment.get("CI")) or environment.get("TERM", "dumb") == "dumb"
    is_live = is_terminal and not is_quiet_place
    has_color = color == "always" or (
        color == "auto" and is_live and not environment.get("NO_COLOR")
    )
    encoding = _encoding(fd)
    has_unicode = _is_utf8(encoding) and _locale_allows_unicode(environment)
    return Terminal(
        fd,
        is_terminal=is_terminal,
        is_live=is_live,
        has_color=has_color,
        has_unicode=has_unicode,
        is_obeyed=environment.get("GITHUB_ACTIONS") == "true",
        encoding="ascii" if _is_utf8(encoding) and not has_unicode else encoding,
    )


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _encoding(fd: int) -> str:
    stream = sys.stdout if fd == 1 else sys.stderr
    # A stream that was closed before orch began is None.
    return getattr(stream, "encoding", None) or "utf-8"


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def _locale_allows_unicode(environment: Mapping[str, str]) -> bool:
    """Python speaks UTF-8 in the C locale; a terminal set to it by name need not."""
    names = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((name for name in names if name), "")
    if locale in ("C", "POSIX"):
        return False
    _, dot, codeset = locale.partition(".")
    return not dot or _is_utf8(codeset.partition("@")[0])
