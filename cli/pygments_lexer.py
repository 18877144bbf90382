"""Pipeline files in colour wherever Pygments draws: Sphinx, rich, and whatever asks it for a lexer.

The tokens are those of the language's own lexer, so what is coloured is what is read. Scripts are
coloured by Pygments' lexer for their shell, with the templates in them set apart.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from orch.cli.language_words import LanguageWords, language_words
from orch.dsl import tree
from orch.dsl.findings import Findings
from orch.dsl.lexer import BAD, Token, lex
from orch.dsl.source import SourceFile
from orch.dsl.strings import ESCAPE

Coloured = Iterator[tuple[int, _TokenType, str]]

_OPENERS = ("LBRACE", "LSQUARE", "LPAREN")
_CLOSERS = ("RBRACE", "RSQUARE", "RPAREN")
_SCRIPTS = ("run", "exec")
_SHELL_LEXERS = {"sh": "bash", "bash": "bash", "python": "python", "node": "javascript"}
_STAND_IN = "x"
"""What a script's lexer sees of a template: a word that means nothing to any shell."""

_SOME_SPACE = re.compile(r"\s+")
_EXPRESSION = re.compile(
    r"""(?P<filter>(?<=\|)\s*[A-Za-z_]\w*) | (?P<space>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?) | (?P<field>(?<=\.)[A-Za-z_]\w*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<operator>[=!<>]=|\*\*|//|[-+*/%~|<>=]) | (?P<mark>[()\[\]{}.,:]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_KINDS = {
    "space": Whitespace, "string": String.Other, "number": Number, "field": Name.Attribute,
    "operator": Operator, "mark": Punctuation, "other": Error,
}  # fmt: skip


# Pygments has no types of its own.
class PipelineLexer(Lexer):  # type: ignore[misc]
    """Pygments' lexer for `.pipeline` files. Nothing is lost: the values join to the text."""

    name = "orch pipeline"
    aliases = ("pipeline", "orch")
    filenames = ("*.pipeline",)
    mimetypes = ("text/x-orch-pipeline",)

    def get_tokens_unprocessed(self, text: str) -> Coloured:
        """Offset, kind and text of each piece, in order. `Error` is what begins no token."""
        yield from _Colouring(text).run()


class _Colouring:
    """The colours of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = language_words()
        self.tokens, self.comments = lex(SourceFile("", text), Findings(""))
        self.owners, self.shells = _blocks_of(self.tokens)
        self.heads = _heads_of(self.tokens, self.owners)

    def run(self) -> Coloured:
        at = 0
        for start, end, pieces in self._pieces():
            if start < at:
                continue
            yield from self._gap(at, start)
            yield from pieces
            at = end
        yield from self._gap(at, len(self.text))

    def _pieces(self) -> list[tuple[int, int, Iterable[tuple[int, _TokenType, str]]]]:
        """Start, end and colours of every token and comment, in order."""
        found: list[tuple[int, int, Iterable[tuple[int, _TokenType, str]]]] = [
            (token.start, token.end, self._token(number))
            for number, token in enumerate(self.tokens)
        ]
        for comment in self.comments:
            start = comment.span.start
            found.append((start, comment.span.end, [(start, Comment.Single, comment.text)]))
        return sorted(found, key=lambda piece: piece[0])

    def _gap(self, start: int, end: int) -> Coloured:
        """What stands between two tokens: white space, or what the lexer refused."""
        while start < end:
            space = _SOME_SPACE.match(self.text, start, end)
            stop = space.end() if space else start + 1
            yield start, Whitespace if space else Error, self.text[start:stop]
            start = stop

    # -- tokens ---------------------------------------------------------------

    def _token(self, number: int) -> Coloured:
        token = self.tokens[number]
        written = self.text[token.start : token.end]
        match token.value:
            case tree.String() as string:
                yield from self._string(number, string)
            case tree.Template() as template:
                yield from self._template(template)
            case tree.Integer() | tree.Duration() | tree.Size():
                yield token.start, Number.Integer, written
            case tree.Float():
                yield token.start, Number.Float, written
            case _ if token.type == "NAME":
                yield token.start, self._name(number), written
            case _:
                kinds = {"AS": Keyword.Declaration, "EQUAL": Operator, "DOTS": Operator, BAD: Error}
                yield token.start, kinds.get(token.type, Punctuation), written

    def _type(self, number: int) -> str:
        return self.tokens[number].type if 0 <= number < len(self.tokens) else ""

    def _name(self, number: int) -> _TokenType:
        words, word = self.words, self.tokens[number].value
        before, after = self._type(number - 1), self._type(number + 1)
        kind: _TokenType = Name
        if before == "EQUAL" or self._is_listed(number):
            kind = _kind_of_word(words, word, is_called=after == "LPAREN")
        elif before in ("COLON", "LESS"):
            kind = Keyword.Type if word in words.types else Name
        elif after == "EQUAL" and not (number and self.heads[number - 1]):
            kind = Name.Attribute if word in words.settings else Name.Variable
        elif before == "AS" or (number > 0 and self.heads[number - 1]):
            kind = Name.Class
        elif self.heads[number]:
            kind = Keyword.Declaration if word in words.keywords else Name
        elif after == "COLON":
            kind = Name.Variable
        elif after == "LBRACE":
            kind = Keyword if word in words.blocks else Name
        return kind

    def _is_listed(self, number: int) -> bool:
        """Whether the name is an item of a list, not the axis of a selector."""
        opener = self._type(self.owners[number][-1]) if self.owners[number] else ""
        return opener in ("LSQUARE", "LPAREN") and self._type(number + 1) != "EQUAL"

    # -- strings --------------------------------------------------------------

    def _string(self, number: int, string: tree.String) -> Coloured:
        quote = 3 if string.is_block else 1
        start, end = string.span.start, string.span.end
        kind = String.Single if string.is_literal else String.Double
        yield start, kind, self.text[start : start + quote]
        shell = self._shell_of(number)
        if shell is None:
            yield from self._plain(string, start + quote, end - quote, kind)
        else:
            yield from self._script(string, start + quote, end - quote, shell)
        yield end - quote, kind, self.text[end - quote : end]

    def _shell_of(self, number: int) -> str | None:
        """The shell that reads the string; None where none does."""
        setting = self.tokens[number - 2] if number > 1 else None
        if setting is None or self._type(number - 1) != "EQUAL" or setting.value not in _SCRIPTS:
            return None
        if not self.owners[number]:
            return None
        return self.shells.get(self.owners[number][-1], "sh") if setting.value == "run" else "sh"

    def _plain(self, string: tree.String, start: int, end: int, kind: _TokenType) -> Coloured:
        at = start
        for template in _templates_of(string):
            yield from self._text(at, template.span.start, kind, string)
            yield from self._template(template)
            at = template.span.end
        yield from self._text(at, end, kind, string)

    def _text(self, start: int, end: int, kind: _TokenType, string: tree.String) -> Coloured:
        """A piece of a string without templates; escapes are set apart where there are some."""
        if not (string.is_block or string.is_literal):
            for escape in ESCAPE.finditer(self.text, start, end):
                if escape.start() > start:
                    yield start, kind, self.text[start : escape.start()]
                yield escape.start(), String.Escape, escape[0]
                start = escape.end()
        if end > start:
            yield start, kind, self.text[start:end]

    # -- scripts --------------------------------------------------------------

    def _script(self, string: tree.String, start: int, end: int, shell: str) -> Coloured:
        """The script as its own lexer sees it: escapes resolved, a word for each template."""
        from pygments.lexers import get_lexer_by_name

        templates = {template.span.start: template for template in _templates_of(string)}
        has_escapes = not (string.is_block or string.is_literal)
        seen, places = self._as_seen(start, end, templates, has_escapes=has_escapes)
        lexer = get_lexer_by_name(_SHELL_LEXERS.get(shell, "text"))
        for index, kind, value in lexer.get_tokens_unprocessed(seen):
            # What is wrong with a script is not for this lexer to say.
            shown = String.Double if kind is Error else kind
            at = stop = places[index]
            for place, following in zip(
                places[index : index + len(value)],
                places[index + 1 : index + len(value) + 1],
                strict=True,
            ):
                if template := templates.get(place):
                    if place > at:
                        yield at, shown, self.text[at:place]
                    yield from self._template(template)
                    at = following
                stop = following
            if stop > at:
                yield at, shown, self.text[at:stop]

    def _as_seen(
        self, start: int, end: int, templates: Mapping[int, tree.Template], *, has_escapes: bool
    ) -> tuple[str, list[int]]:
        """A script's text, and where each of its characters, and its end, stands in the file."""
        characters: list[str] = []
        places: list[int] = []
        at = start
        while at < end:
            places.append(at)
            escape = ESCAPE.match(self.text, at) if has_escapes else None
            if at in templates:
                characters.append(_STAND_IN)
                at = templates[at].span.end
            elif escape:
                characters.append(
                    {"n": "\n", "t": "\t", "r": "\r"}.get(escape[1], escape[1] or "?")
                )
                at = escape.end()
            else:
                characters.append(self.text[at])
                at += 1
        return "".join(characters), [*places, end]

    # -- templates ------------------------------------------------------------

    def _template(self, template: tree.Template) -> Coloured:
        start, end = template.span.start, template.span.end
        yield start, String.Interpol, self.text[start : start + 2]
        for found in _EXPRESSION.finditer(self.text, start + 2, end - 2):
            yield from self._of_expression(found)
        yield end - 2, String.Interpol, self.text[end - 2 : end]

    def _of_expression(self, found: re.Match[str]) -> Coloured:
        words, kind, word = self.words, found.lastgroup or "", found[0].lstrip()
        at = found.end() - len(word)
        colour = _PLAIN_KINDS.get(kind, Name.Variable)
        if kind == "filter" or word in words.functions:
            if at > found.start():
                yield found.start(), Whitespace, self.text[found.start() : at]
            colour = Name.Function if word in words.filters | words.functions else Name
        elif kind == "name" and word in words.operators:
            colour = Operator.Word
        elif kind == "name" and word in words.constants | {"none"}:
            colour = Keyword.Constant
        elif kind == "name" and word in words.roots:
            colour = Name.Builtin
        elif kind == "space":
            at, word = found.start(), found[0]
        yield at, colour, word


def _kind_of_word(words: LanguageWords, word: str, *, is_called: bool) -> _TokenType:
    """The colour of a name that is a value: a constant, a word of the language, a reference."""
    if word in words.constants:
        return Keyword.Constant
    if word in words.words and (is_called or word != "exit"):
        return Name.Builtin
    return Name


def _templates_of(string: tree.String) -> list[tree.Template]:
    return [part for part in string.parts if isinstance(part, tree.Template)]


def _blocks_of(tokens: Sequence[Token]) -> tuple[list[tuple[int, ...]], dict[int, str]]:
    """For each token the brackets that are open there, outermost first, as numbers of tokens; and
    the `shell` that is set directly in a bracket."""
    open_: tuple[int, ...] = ()
    owners: list[tuple[int, ...]] = []
    shells: dict[int, str] = {}
    for number, token in enumerate(tokens):
        if token.type in _CLOSERS:
            open_ = open_[:-1]
        owners.append(open_)
        if token.type in _OPENERS:
            open_ = (*open_, number)
        row: list[Any] = [each.value for each in tokens[max(0, number - 2) : number]]
        if row == ["shell", "="] and token.type == "NAME" and open_:
            shells[open_[-1]] = token.value
    return owners, shells


def _heads_of(tokens: Sequence[Token], owners: Sequence[tuple[int, ...]]) -> list[bool]:
    """Whether each token is the word that begins a block at the top of the file."""
    heads: list[bool] = []
    for number, token in enumerate(tokens):
        before = tokens[number - 1].type if number else ""
        is_label = number > 0 and heads[-1]
        is_value = before in ("EQUAL", "COLON", "LESS", "AS", "DOT")
        heads.append(token.type == "NAME" and not (owners[number] or is_label or is_value))
    return heads
