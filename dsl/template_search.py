"""Where a template ends: `}}` behind brackets that match and behind strings in Jinja's manner.

What stands between is left to the compiler, which knows Jinja; only what decides on the end counts.
"""

import re

from orch.dsl.limits import DEEPEST

IN_LINE, IN_BLOCK, BARE = 0, 1, 2
"""Where a template stands: in a string of one line, in a block string, by itself."""

_STOP = re.compile(r"""["'\n()\[\]{}\\]""")
_NESTED = {
    '"': re.compile(r'(?:[^"\\\n]|\\[^\n])*"'),
    "'": re.compile(r"(?:[^'\\\n]|\\[^\n])*'"),
}
_ESCAPED_NESTED = re.compile(r'\\"(?:[^"\\\n]|\\[^"\n])*\\"')
_OPENING_OF = {")": "(", "]": "["}


class TemplateSearch:
    """Looks behind `{{` for the `}}` that closes it.

    `end` is the offset behind the `}}`, -1 without one; `reached` is how far the search went;
    `too_deep` the first bracket that is nested too deep, or -1; `escaped` are the pairs of offsets
    at which a backslash and a quote open and close a nested string.
    """

    __slots__ = ("_braces", "_place", "_stack", "_text", "end", "escaped", "reached", "too_deep")

    def __init__(self, text: str, place: int) -> None:
        self._text = text
        self._place = place
        self._stack: list[str] = []
        self._braces = 0
        self.end = -1
        self.reached = -1
        self.too_deep = -1
        self.escaped: list[tuple[int, int]] = []

    def run(self, pos: int, limit: int) -> None:
        while stop := _STOP.search(self._text, pos, limit):
            at, mark = stop.start(), stop[0]
            self.reached = at + 1
            if mark in "([{":
                self._open(at, mark)
                pos = at + 1
            elif mark in ")]}":
                pos = self._close(at, mark)
            elif mark == "\n":
                pos = -1 if self._place == IN_LINE else at + 1
            elif mark == "\\":
                pos = self._escaped_quote(at)
            else:
                pos = self._quote(at, mark)
            if pos < 0:
                return
        self.reached = limit

    def _open(self, at: int, mark: str) -> None:
        self._stack.append(mark)
        self._braces += mark == "{"
        if len(self._stack) > DEEPEST and self.too_deep < 0:
            self.too_deep = at

    def _close(self, at: int, mark: str) -> int:
        """Where to go on, or -1 if the search is over."""
        stack = self._stack
        if mark != "}":
            if stack and stack[-1] == _OPENING_OF[mark]:
                stack.pop()
        elif self._braces:
            self._braces -= 1
            while stack.pop() != "{":
                pass
        else:
            if self._text.startswith("}}", at):
                self.end = at + 2
            return -1
        return at + 1

    def _escaped_quote(self, at: int) -> int:
        nested = _ESCAPED_NESTED.match(self._text, at) if self._place == IN_LINE else None
        if nested is None:
            return at + 1
        self.escaped.append((at, nested.end() - 2))
        return nested.end()

    def _quote(self, at: int, mark: str) -> int:
        """Where to go on behind a nested string; one that opens none is no bracket."""
        text = self._text
        if self._place == IN_BLOCK and text.startswith('"""', at):
            return -1
        nested = _NESTED[mark].match(text, at + 1)
        if nested is None:
            return at + 1
        ends_block = mark == '"' and text.startswith('"""', nested.end() - 1)
        return -1 if self._place == IN_BLOCK and ends_block else nested.end()
