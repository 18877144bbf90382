"""Where the top-level blocks of a file begin and end, found on its tokens before any parsing.

Every block can so be parsed alone, and a broken one hides nothing in the next. Brackets that don't
match are reported here (E0101, E0102, E0107) and mended, so that behind this module all match.
"""

from orch.dsl.findings import Findings
from orch.dsl.lexer import BAD, Token
from orch.dsl.limits import DEEPEST
from orch.dsl.record import record


@record
class Rows:
    """The tokens of a file with matching brackets, and the blocks among them.

    `rows` are pairs of indices, begin and end of each block. `mended` are the offsets at which a
    bracket was added or taken away.
    """

    tokens: list[Token]
    rows: list[tuple[int, int]]
    mended: tuple[int, ...]


def find_blocks(text: str, tokens: list[Token], findings: Findings) -> Rows:
    """Divide the tokens of a file into its top-level blocks."""
    rows = _divide(text, tokens)
    if rows is not None:
        return Rows(tokens, rows, ())
    mender = _Mender(text, tokens, findings)
    mender.run()
    rows = _divide(text, mender.mended)
    assert rows is not None
    return Rows(mender.mended, rows, tuple(sorted(mender.offsets)))


_CLOSER = {"LBRACE": "RBRACE", "LSQUARE": "RSQUARE", "LPAREN": "RPAREN"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
_WRITTEN = {
    "LBRACE": "{", "LSQUARE": "[", "LPAREN": "(", "RBRACE": "}", "RSQUARE": "]", "RPAREN": ")",
}  # fmt: skip
_GOES_ON_AFTER = {"EQUAL", "COLON", "DOT", "DOTS", "LESS", "AS"}
"""Behind these a name at the top of a file belongs to the block that was begun."""


def _divide(text: str, tokens: list[Token]) -> list[tuple[int, int]] | None:
    """Begin and end of each top-level block; None if brackets don't match or nest too deep."""
    rows: list[tuple[int, int]] = []
    stack: list[str] = []
    begin = 0
    types_deep = 0
    for at, token in enumerate(tokens):
        kind = token.type
        if kind == "NAME":
            if not stack and at > begin and _is_new(text, tokens, begin, at):
                rows.append((begin, at))
                begin = at
        elif kind in _CLOSER:
            stack.append(kind)
        elif kind in _OPENER:
            if not stack or stack.pop() != _OPENER[kind]:
                return None
        else:
            types_deep = types_deep + 1 if kind == "LESS" else 0
        if len(stack) > DEEPEST or types_deep > DEEPEST:
            return None
    if begin < len(tokens):
        rows.append((begin, len(tokens)))
    return None if stack else rows


def _is_new(text: str, tokens: list[Token], begin: int, at: int) -> bool:
    """Whether a name at the top of a file begins a block, other than the one that `begin` began."""
    before = tokens[at - 1].type
    if before in _GOES_ON_AFTER or (before == "NAME" and at == begin + 1):
        return begins_block(text, tokens, at)
    words = (tokens[at - 1].value, tokens[at].value)
    if tokens[begin].value == "use" and at <= begin + 3 and "as" in words:
        return False  # A path without its quotes, which the grammar refuses.
    if before == "COMMA" and [t.type for t in tokens[at + 1 : at + 2]] == ["MORE"]:
        return False  # A second type between angle brackets, which the grammar refuses.
    return before != BAD or is_first_on_line(text, tokens, at)


def begins_block(text: str, tokens: list[Token], at: int) -> bool:
    """Whether a block that can only stand at the top of a file begins here, at a line's beginning.

    Only what is broken already is judged so: in a good file line breaks mean nothing.
    """
    token = tokens[at]
    if token.type != "NAME" or not is_first_on_line(text, tokens, at):
        return False
    kinds = tuple(t.type for t in tokens[at + 1 : at + 3])
    if token.value == "secret":
        return kinds[:1] == ("NAME",) and (
            kinds[1:] in ((), ("LBRACE",)) or is_first_on_line(text, tokens, at + 2)
        )
    if token.value == "policy":
        return kinds[:1] == ("LBRACE",) and text[max(0, token.start - 1)] in "p\n"
    return kinds == _BEGINNINGS.get(token.value)


_BEGINNINGS = {
    "pipeline": ("NAME", "LBRACE"),
    "stage": ("NAME", "LBRACE"),
    "service": ("NAME", "LBRACE"),
    "finally": ("NAME", "LBRACE"),
    "pool": ("NAME", "LBRACE"),
    "param": ("NAME", "COLON"),
    "let": ("NAME", "EQUAL"),
    "use": ("STRING", "AS"),
}


def is_first_on_line(text: str, tokens: list[Token], at: int) -> bool:
    """Whether no other token stands before this one on its line."""
    return at == 0 or text.find("\n", tokens[at - 1].end, tokens[at].start) >= 0


class _Opening:
    """A bracket that is open. `margin` is the indentation of its line, `line` says which it is.

    `is_excused`: what closes it may stand in an unclosed string. `is_indented`: lines in it are
    indented deeper than its own, or can't be told.
    """

    __slots__ = ("at", "is_excused", "is_indented", "line", "margin", "token")

    def __init__(self, token: Token, at: int, margin: int, line: int) -> None:
        self.token = token
        self.at = at
        self.margin = margin
        self.line = line
        self.is_excused = False
        self.is_indented = True


class _Mender:
    """Copies tokens and makes brackets match: adds closing ones, drops those that close nothing.

    Only where brackets are wrong, lines and their indentation are taken as signs of what was meant;
    a block whose own brackets match is copied as it is.
    """

    def __init__(self, text: str, tokens: list[Token], findings: Findings) -> None:
        self.text = text
        self.tokens = tokens
        self.findings = findings
        self.mended: list[Token] = []
        self.offsets: set[int] = set()
        self.stack: list[_Opening] = []
        self.margin = 0
        self.line = 0

    def run(self) -> None:
        at = 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if is_first_on_line(self.text, self.tokens, at):
                self._begin_line(at)
            if token.type in _CLOSER:
                at = self._open(at)
                continue
            if token.type == "LESS":
                at = self._copy_type(at)
                continue
            if token.type in _OPENER:
                self._close(token, is_stray=self._is_stray(at))
            else:
                if token.type == BAD:
                    self._excuse(token)
                self.mended.append(token)
            at += 1
        self._report_open(0)

    def _open(self, at: int) -> int:
        """Copy a bracket, or all of a block that is sound; the index behind."""
        token = self.tokens[at]
        end = at if self.stack else self._end_of_sound_block(at)
        if end > at:
            self.mended += self.tokens[at:end]
            return end
        if len(self.stack) >= DEEPEST:
            return self._skip_brackets(at)
        self.stack.append(_Opening(token, at, self.margin, self.line))
        self.mended.append(token)
        return at + 1

    def _end_of_sound_block(self, at: int) -> int:
        """The index behind the bracket that closes the one at `at`; `at` if something is wrong."""
        stack: list[str] = []
        for index in range(at, len(self.tokens)):
            kind = self.tokens[index].type
            if kind in _CLOSER:
                stack.append(kind)
                if len(stack) > DEEPEST:
                    return at
            elif kind in _OPENER:
                is_value = self.tokens[index - 1].type == "EQUAL"
                if stack.pop() != _OPENER[kind] or is_value:
                    return at
                if not stack:
                    return index + 1
            elif kind in ("LESS", BAD) or begins_block(self.text, self.tokens, index):
                return at
        return at

    def _begin_line(self, at: int) -> None:
        """Close what is open where a line begins that can't be inside of it."""
        start = self.tokens[at].start
        self.margin = start - self.text.rfind("\n", 0, start) - 1
        self.line += 1
        if not self.stack:
            return
        if begins_block(self.text, self.tokens, at):
            self._report_open(0)
            return
        top = self.stack[-1]
        if top.at == at - 1:
            top.is_indented = self.margin > top.margin
        is_closing = self.tokens[at].type in _OPENER
        for index, opening in enumerate(self.stack):
            is_left = self.margin < opening.margin or (
                self.margin == opening.margin and not is_closing
            )
            if opening.token.type == "LBRACE" and opening.is_indented and is_left:
                self._report_open(index)
                return
        kinds = [t.type for t in self.tokens[at : at + 2]]
        is_selector = top.token.type == "LSQUARE" and self._type_before(top.at) == "NAME"
        is_item = kinds == ["NAME", "LBRACE"] or (kinds == ["NAME", "EQUAL"] and not is_selector)
        if is_item and top.token.type != "LBRACE":
            braces = [i for i, o in enumerate(self.stack) if o.token.type == "LBRACE"]
            self._report_open(braces[-1] + 1 if braces else 0)

    def _type_before(self, at: int) -> str:
        return self.tokens[at - 1].type if at else ""

    def _is_stray(self, at: int) -> bool:
        """Whether a `}` stands for a value, as the next line is still inside of what is open."""
        is_value = self.tokens[at].type == "RBRACE" and self._type_before(at) == "EQUAL"
        if not (is_value and self.stack and self.stack[-1].line < self.line):
            return False
        if at + 1 == len(self.tokens) or not is_first_on_line(self.text, self.tokens, at + 1):
            return False
        following, margin = self.tokens[at + 1], self.stack[-1].margin
        here = following.start - self.text.rfind("\n", 0, following.start) - 1
        return here > margin or (here == margin and following.type == "RBRACE")

    def _close(self, token: Token, *, is_stray: bool) -> None:
        opener = _OPENER[token.type]
        if self.stack and self.stack[-1].token.type == opener and not is_stray:
            self.stack.pop()
            self.mended.append(token)
            return
        partner = None
        for index in range(-1 if is_stray else len(self.stack) - 1, -1, -1):
            kind = self.stack[index].token.type
            if kind == opener:
                partner = index
                break
            if kind == "LBRACE":
                break
        if partner is not None and not (opener == "LBRACE" and self._is_slip(partner, token.start)):
            self._report_open(partner + 1)
            self.stack.pop()
            self.mended.append(token)
            return
        self.offsets.add(token.start)
        written = _WRITTEN[token.type]
        if self.stack and self.stack[-1].token.type != "LBRACE":
            wanted = _CLOSER[self.stack.pop().token.type]
            self.findings.add(
                "E0101", token.span, f"`{written}` can't close this",
                f"`{_WRITTEN[wanted]}` is meant here", f"write `{_WRITTEN[wanted]}`",
            )  # fmt: skip
            self.mended.append(Token(wanted, "", token.start, token.end))
        else:
            is_value = bool(self.mended) and self.mended[-1].type == "EQUAL"
            label = "a value is due here" if is_value else "nothing is open here"
            hint = (
                "write a value behind the `=`, or delete the setting" if is_value else "delete it"
            )
            self.findings.add("E0101", token.span, f"`{written}` closes nothing", label, hint)

    def _is_slip(self, partner: int, here: int) -> bool:
        """Whether the `}` at `here` was written for the `]` or `)` of the same line."""
        brace, inner = self.stack[partner].token, self.stack[-1].token
        return (
            len(self.stack) == partner + 2
            and self.text.find("\n", inner.start, here) < 0
            and self.text.find("\n", brace.start, inner.start) >= 0
        )

    def _report_open(self, keep: int) -> None:
        """Report and close all brackets that are open beyond the first `keep`."""
        while len(self.stack) > keep:
            opening = self.stack.pop()
            token = opening.token
            closer = _CLOSER[token.type]
            if not opening.is_excused:
                written = _WRITTEN[token.type]
                self.findings.add(
                    "E0102", token.span, f"`{written}` is never closed",
                    f"no `{_WRITTEN[closer]}` closes it", f"add the missing `{_WRITTEN[closer]}`",
                )  # fmt: skip
            self.offsets.add(token.start)
            here = self.mended[-1].end
            self.mended.append(Token(closer, "", here, here))

    def _excuse(self, bad: Token) -> None:
        """An unclosed string runs to the end of its line, and may have closing brackets in it."""
        text = self.text[bad.start : bad.end]
        if text[:1] in ("'", '"', "{"):
            for opening in self.stack:
                if _WRITTEN[_CLOSER[opening.token.type]] in text:
                    opening.is_excused = True

    def _skip_brackets(self, at: int) -> int:
        """Put one BAD token for a bracket that is too deep and all that it holds."""
        first = self.tokens[at]
        self.findings.add("E0107", first.span, f"this is nested deeper than {DEEPEST} levels")
        for opening in self.stack:
            opening.is_excused = True
        open_ = 0
        while at < len(self.tokens):
            kind = self.tokens[at].type
            open_ += (kind in _CLOSER) - (kind in _OPENER)
            if begins_block(self.text, self.tokens, at):
                break
            at += 1
            if open_ == 0:
                break
        self.offsets.add(first.start)
        self.mended.append(Token(BAD, None, first.start, self.tokens[at - 1].end))
        return at

    def _copy_type(self, at: int) -> int:
        """Copy `<…<…>…>`, with a BAD token for what is too deep."""
        deep = 0
        while at < len(self.tokens) and self.tokens[at].type in ("LESS", "MORE", "NAME"):
            token = self.tokens[at]
            if begins_block(self.text, self.tokens, at):
                break
            deep += token.type == "LESS"
            if deep == DEEPEST + 1 and token.type == "LESS":
                self.findings.add(
                    "E0107", token.span, f"this is nested deeper than {DEEPEST} levels"
                )
                self.offsets.add(token.start)
                self.mended.append(Token(BAD, None, token.start, token.end))
            elif deep <= DEEPEST:
                self.mended.append(token)
            at += 1
        return at
