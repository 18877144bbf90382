"""The TextMate grammar of pipeline files, made from the language's own words.

`make_syntax.py` writes it to vscode/syntaxes/. A script is coloured by the grammar of its shell,
which must never run beyond the script's end, whatever quotes are open in it: in a block string it
stands under a `while` rule, which is asked anew on every line; in a line it sees only what was
captured.
"""

from collections.abc import Iterable
from typing import Any

from orch.cli.language_words import language_words

Rule = dict[str, Any]

# The word of `shell`, the scope of its grammar, and what editors call the language inside.
SHELLS = (
    ("sh", "source.shell", "shellscript"),
    ("python", "source.python", "python"),
    ("node", "source.js", "javascript"),
)
NAME = r"[A-Za-z_][\w-]*"

# What a template in a line may hold, up to its `}}`; and the text of a line string.
_IN_TEMPLATE = (
    r"""(?:[^"'{}\\\n]|\\"(?:[^"\\\n]|\\[^"\n])*\\"|\\.|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
    r"""|\{[^{}\n]*\}|["'])"""
)
_LINE_TEXT = rf'(?:[^"\\\n{{]|\\.|\{{\{{{_IN_TEMPLATE}*\}}\}}|\{{(?!\{{))*'


def grammar() -> Rule:
    """The whole grammar, as JSON has it."""
    words = language_words()
    begins_block = rf"^(?:{_any(words.keywords)})\s+[\"A-Za-z_]"
    rules: dict[str, Rule] = {
        "comment": {
            "name": "comment.line.number-sign.pipeline",
            "match": "(#).*$",
            "captures": _scopes({1: "punctuation.definition.comment"}),
        },
        "head": {"patterns": _heads()},
        "type": _type(),
        "body": {
            "begin": r"\{(?!\{)",
            # An open block ends where the next one begins, so that it colours no more than itself.
            "end": rf"\}}|(?={begins_block})",
            "beginCaptures": _scopes({0: "punctuation.section.block.begin"}),
            "endCaptures": _scopes({0: "punctuation.section.block.end"}),
            "patterns": [*_shell_choices(begins_block), *_includes("script-sh", "items")],
        },
        "items": {"patterns": _includes("comment", "inner-block", "setting", "value", "body")},
        "inner-block": {
            "match": rf"(?<![\w-])({_any(words.blocks)})(?=\s*\{{)",
            "name": "keyword.other.block.pipeline",
        },
        "setting": {"patterns": _settings()},
        "value": {
            "patterns": _includes(
                "type", "template", "strings", "quantity", "word", "name", "punctuation"
            )
        },
        "word": {"patterns": _words()},
        "name": {"match": NAME, "name": "variable.other.pipeline"},
        "quantity": {"patterns": _quantities()},
        "punctuation": {
            "patterns": [
                {"match": r"\.\.", "name": "keyword.operator.range.pipeline"},
                {"match": "=", "name": "keyword.operator.assignment.pipeline"},
                {"match": ",", "name": "punctuation.separator.pipeline"},
                {"match": r"[\[\]()]", "name": "punctuation.section.brackets.pipeline"},
            ]
        },
        "strings": {"patterns": _strings()},
        "escape": {
            "match": r'\\(?:["\\nrt]|u\{[0-9A-Fa-f]{1,6}\})',
            "name": "constant.character.escape.pipeline",
        },
        "template": _template(r"\}\}"),
        "line-template": _template(r"\}\}|$"),
        "expression": {"patterns": _expression()},
    }
    for shell, scope, language in SHELLS:
        rules[f"script-{shell}"] = {"patterns": _scripts(scope, language)}
    return {
        "name": "orch pipeline",
        "scopeName": "source.pipeline",
        "fileTypes": ["pipeline"],
        "patterns": _includes("comment", "head", "body", "value"),
        # Templates go before everything that a script's own grammar finds, also in its strings.
        "injections": {
            "L:meta.templated.pipeline - meta.template.pipeline": {
                "patterns": _includes("template")
            }
        },
        "repository": rules,
    }


def _any(words: Iterable[str]) -> str:
    """An alternation; of two words that begin alike the longer one goes first."""
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _scopes(names: dict[int, str]) -> Rule:
    return {
        str(number): {"name": " ".join(f"{each}.pipeline" for each in name.split())}
        for number, name in names.items()
    }


def _includes(*names: str) -> list[Rule]:
    return [{"include": f"#{name}"} for name in names]


def _heads() -> list[Rule]:
    words = language_words()
    keyword = rf"(?<![\w-])({_any(words.keywords)})"
    return [
        {
            "match": rf"{keyword}\s+({NAME})",
            "captures": _scopes({1: "keyword.declaration", 2: "entity.name.type"}),
        },
        {"match": rf"{keyword}(?=\s*[\{{\"])", "name": "keyword.declaration.pipeline"},
        {
            "match": rf"(?<=\")\s+(as)\s+({NAME})",
            "captures": _scopes({1: "keyword.declaration", 2: "entity.name.type"}),
        },
    ]


def _type() -> Rule:
    """What stands behind the `:` of a declaration, to the next thing that is no part of a type."""
    return {
        "begin": r"(?<!:):",
        "end": rf"(?=[={{}},#\"'\[]|{NAME}\s*:)|$",
        "beginCaptures": _scopes({0: "punctuation.separator.type"}),
        "patterns": [
            {
                "match": rf"\b(?:{_any(language_words().types)})\b",
                "name": "support.type.pipeline",
            },
            {"match": "[<>]", "name": "punctuation.definition.typeparameters.pipeline"},
        ],
    }


def _shell_choices(begins_block: str) -> list[Rule]:
    """Behind `shell = python` the rest of a block is read with other scripts."""
    return [
        {
            "begin": rf"(?<![\w-])(shell)\s*(=)\s*({shell})(?![\w-])",
            "end": rf"(?=\}}|{begins_block})",
            "beginCaptures": _scopes(
                {
                    1: "entity.other.attribute-name",
                    2: "keyword.operator.assignment",
                    3: "support.constant",
                }
            ),
            "patterns": _includes(f"script-{shell}", "items"),
        }
        for shell, _, _ in SHELLS
        if shell != "sh"
    ]


def _settings() -> list[Rule]:
    assignment = {2: "keyword.operator.assignment"}
    return [
        {
            "match": rf"(?<![\w-])({_any(language_words().settings)})\s*(=)",
            "captures": _scopes({1: "entity.other.attribute-name", **assignment}),
        },
        {
            "match": rf"({NAME})\s*(=)",
            "captures": _scopes({1: "variable.other.member", **assignment}),
        },
        {
            "match": rf"({NAME})\s*(?=:)",
            "captures": _scopes({1: "variable.other.member"}),
        },
    ]


def _words() -> list[Rule]:
    words = language_words()
    return [
        {
            "match": rf"(?<![\w-])(?:{_any(words.constants)})(?![\w-])",
            "name": "constant.language.boolean.pipeline",
        },
        {
            "match": rf"(?<![\w-])(?:{_any(words.words)})(?![\w-])",
            "name": "support.constant.pipeline",
        },
    ]


_ALONE = r"(?<![\w-])(?<![^.]\.)"  # A number may follow the dots of a range, and no other.


def _quantities() -> list[Rule]:
    words = language_words()
    digits = "[0-9][0-9_]*"
    return [
        {
            "match": rf"{_ALONE}(?:{digits}(?:{_any(words.durations)}))+(?![\w-])",
            "name": "constant.numeric.duration.pipeline",
        },
        {
            "match": rf"{_ALONE}{digits}(?:{_any(words.sizes)})(?![\w-])",
            "name": "constant.numeric.size.pipeline",
        },
        {
            "match": rf"(?<![\w.])-?{digits}\.[0-9_]+(?![\w-])",
            "name": "constant.numeric.float.pipeline",
        },
        {
            "match": rf"{_ALONE}-?{digits}(?![\w-])",
            "name": "constant.numeric.integer.pipeline",
        },
    ]


def _strings() -> list[Rule]:
    return [
        _string('"""', '"""', "triple", "template"),
        _string("'''", "'''", "triple.literal"),
        _string('"', '"|$', "double", "escape", "line-template"),
        _string("'", "'|$", "single"),
    ]


def _string(begin: str, end: str, kind: str, *parts: str) -> Rule:
    return {
        "name": f"string.quoted.{kind}.pipeline",
        "begin": begin,
        "end": end,
        "beginCaptures": _scopes({0: "punctuation.definition.string.begin"}),
        "endCaptures": _scopes({0: "punctuation.definition.string.end"}),
        "patterns": _includes(*parts),
    }


def _scripts(scope: str, language: str) -> list[Rule]:
    """`run` and `exec` with a string, of which the inside is read by the grammar `scope`."""
    return [
        _block_script('"""', f"{_TEMPLATED} meta.embedded.block.{language}.pipeline", scope),
        _block_script("'''", f"meta.embedded.block.{language}.pipeline", scope),
        _line_script(
            '"', _LINE_TEXT, f"{_TEMPLATED} meta.embedded.line.{language}.pipeline", scope
        ),
        _line_script("'", r"[^'\n]*", f"meta.embedded.line.{language}.pipeline", scope),
    ]


_TEMPLATED = "meta.templated.pipeline"
_SCRIPT = r"(?<![\w-])(run|exec)\s*(=)\s*"
_OPENED = {
    1: "entity.other.attribute-name",
    2: "keyword.operator.assignment",
    3: "string.quoted.script punctuation.definition.string.begin",
}


def _block_script(quotes: str, embedded: str, scope: str) -> Rule:
    inside: Rule = {"name": embedded, "patterns": [{"include": scope}]}
    return {
        "begin": f"{_SCRIPT}({quotes})",
        "end": quotes,
        "beginCaptures": _scopes(_OPENED),
        "endCaptures": _scopes({0: "string.quoted.script punctuation.definition.string.end"}),
        "patterns": [
            # All lines but the one that closes the string; that one is read up to the quotes.
            {"begin": rf"(?:^|\G)(?!.*{quotes})", "while": rf"^(?!.*{quotes})", **inside},
            {"match": rf"(?:^|\G).+?(?={quotes})", "captures": {"0": inside}},
        ],
    }


def _line_script(quote: str, text: str, embedded: str, scope: str) -> Rule:
    inside: Rule = {"name": embedded, "patterns": [{"include": scope}]}
    return {
        "match": rf"{_SCRIPT}({quote})(?!{quote}{quote})({text})({quote})",
        "captures": {
            **_scopes(_OPENED),
            "4": inside,
            **_scopes({5: "string.quoted.script punctuation.definition.string.end"}),
        },
    }


def _template(end: str) -> Rule:
    return {
        "name": "meta.template.pipeline",
        "begin": r"\{\{",
        "end": end,
        "beginCaptures": _scopes({0: "punctuation.section.embedded.begin"}),
        "endCaptures": _scopes({0: "punctuation.section.embedded.end"}),
        "patterns": _includes("expression"),
    }


def _expression() -> list[Rule]:
    words = language_words()
    return [
        {"match": r'\\"(?:[^"\\\n]|\\[^"\n])*\\"', "name": "string.quoted.double.pipeline"},
        {"match": r'"(?:[^"\\\n]|\\.)*"', "name": "string.quoted.double.pipeline"},
        {"match": r"'(?:[^'\\\n]|\\.)*'", "name": "string.quoted.single.pipeline"},
        {"begin": r"\{", "end": r"\}", "patterns": _includes("expression")},
        {
            "match": rf"(\|)\s*({_any(words.filters)})\b",
            "captures": _scopes({1: "keyword.operator.pipe", 2: "support.function"}),
        },
        {"match": rf"\b(?:{_any(words.functions)})(?=\s*\()", "name": "support.function.pipeline"},
        {
            "match": rf"(?<!\.)\b(?:{_any(words.operators)})\b",
            "name": "keyword.operator.word.pipeline",
        },
        {
            "match": rf"(?<!\.)\b(?:{_any(words.constants | {'none'})})\b",
            "name": "constant.language.pipeline",
        },
        {"match": rf"(?<!\.)\b(?:{_any(words.roots)})\b", "name": "variable.language.pipeline"},
        {
            "match": r"(?<=\.)[A-Za-z_]\w*",
            "name": "variable.other.member.pipeline",
        },
        {"match": r"[A-Za-z_]\w*", "name": "variable.other.pipeline"},
        {"match": r"\b[0-9]+(?:\.[0-9]+)?\b", "name": "constant.numeric.pipeline"},
        {"match": r"[=!<>]=|\*\*|//|[-+*/%~|<>=]", "name": "keyword.operator.pipeline"},
    ]
