"""The mending of a secret in a template: the stage lists it, and its command reads the variable."""

import re
import shlex
from collections.abc import Iterator

from orch.cli.lsp.mending_blocks import Edit, Edits, beside_quotes, block_at, listed, point
from orch.cli.lsp.mending_removal import removed, without_template
from orch.compiler.shell_grammar import find_shell_places
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span
from orch.dsl.tree import Block, List, Map, Name, Reference, Setting, String, Template, Text, Value

_IN_SHELL = {"bare": '"$NAME"', "single": "'\"$NAME\"'", "double": "${NAME}", "unproved": "${NAME}"}
_IN_LANGUAGE = {"python": "__import__('os').environ['NAME']", "node": "process.env.NAME"}
"""What stands for a secret in a script, by its place there or by the script's language."""

_OPENING_LINE = re.compile(r"(?:\"\"\"|''')[ \t]*\n(?=\s*?([ \t]*)(?:\S|\Z))")
"""Of a block string whose script begins on the next line, with its indentation."""

_PLAIN = re.compile(r"[\w .,:;/=@+-]*")
"""Text that is the same inside of double quotes, of a shell's and of ours."""


def secret_read_by_command(
    pieced: PiecedText, span: Span, match: re.Match[str]
) -> Iterator[tuple[str, Edits]]:
    """A title and edits: the secret is listed, and its variable stands where the template stood in
    a script, in the arguments of a program, which a shell then starts, or in `env`, which the
    script then sets. Elsewhere the template goes."""
    found = block_at(pieced, span.start)
    if found is None:
        return
    start, block = found
    if block.keyword.text not in ("stage", "service", "finally"):
        yield "Take it out here", without_template(pieced, found, span.start)
        return
    name, at = match[1], span.start - start
    text = pieced.text[start:]
    own = _in_run(text, block, at, name) or _in_variable(text, block, at, name)
    edits = [(Span(each.start + start, each.end + start), new) for each, new in own]
    title = match[0][:1].upper() + match[0][1:]
    if not edits:
        edits = without_template(pieced, found, span.start)
        title = "List it in `secrets`, and take it out here"
    if edits:
        yield title, [*listed(pieced, found, "secrets", name), *edits]


def _in_run(text: str, block: Block, at: int, name: str) -> list[Edit]:
    run = _value_of(block, "run")
    if run is None or not run.span.start <= at < run.span.end:
        return []
    if isinstance(run, List):
        script = _script_of(run, at, name)
        return [] if script is None else [(run.span, script)]
    if not isinstance(run, String):
        return []
    shell = _shell_of(block)
    form = _IN_LANGUAGE.get(shell)
    if form is None:
        pieces = [part.text if isinstance(part, Text) else None for part in run.parts]
        templates = [part for part in run.parts if isinstance(part, Template)]
        places = find_shell_places(pieces, is_bash=shell == "bash")
        contexts = [p.context for t, p in zip(templates, places, strict=True) if _holds(t, at)]
        form = _IN_SHELL[contexts[0]]
    template = next(part for part in run.parts if isinstance(part, Template) and _holds(part, at))
    written = beside_quotes(text, run, template.span, _in_string(form.replace("NAME", name), run))
    return [] if written is None else [(template.span, written)]


def _in_variable(text: str, block: Block, at: int, name: str) -> list[Edit]:
    """A variable that holds the secret is set by the script instead, with the same text."""
    run, variable = _value_of(block, "run"), _variable_at(block, at)
    if not isinstance(run, String) or _shell_of(block) in _IN_LANGUAGE or variable is None:
        return []
    key, value, entry = variable
    parts = value.parts if isinstance(value, String) else (value,)
    words = [
        part.text if isinstance(part, Text) else f"${{{name}}}" if _holds(part, at) else "{{"
        for part in parts
    ]
    texts = [part.text for part in parts if isinstance(part, Text)]
    if "{{" in words or not all(_PLAIN.fullmatch(each) for each in texts):
        return []
    set_ = _in_string(f'export {key}="{"".join(words)}"', run)
    opening = _OPENING_LINE.match(text, run.span.start)
    if opening is None:
        place = run.span.start + (3 if run.is_block else 1)
        return [(removed(text, entry), ""), (point(place), f"{set_}; ")]
    return [(removed(text, entry), ""), (point(opening.end()), f"{opening[1]}{set_}\n")]


def _script_of(run: List, at: int, name: str) -> str | None:
    """A program and its arguments as a script that starts it; None where one of them isn't so
    plain that it means the same there."""
    words = []
    for item in run.items:
        word = ""
        for part in item.parts if isinstance(item, String) else (item,):
            if isinstance(part, Template):
                word += f'\\"${name}\\"' if _holds(part, at) else f"{{{{{part.source}}}}}"
            elif isinstance(part, Text) and _PLAIN.fullmatch(part.text):
                word += shlex.quote(part.text)
            else:
                return None
        words.append(word or "''")
    return f'"{" ".join(words)}"'


def _variable_at(block: Block, at: int) -> tuple[str, Value, Span] | None:
    """The variable of `env` whose value an offset is in: its name, its value, its place."""
    for item in block.body or ():
        if isinstance(item, Block) and item.keyword.text == "env":
            for each in item.body or ():
                if isinstance(each, Setting) and each.value.span.start <= at < each.value.span.end:
                    return _text_of(each.name), each.value, each.span
        elif isinstance(item, Setting) and isinstance(item.value, Map):
            for entry in item.value.entries if _text_of(item.name) == "env" else ():
                if entry.value.span.start <= at < entry.value.span.end:
                    return _text_of(entry.key), entry.value, entry.span
    return None


def _value_of(block: Block, setting: str) -> Value | None:
    items = (item for item in block.body or () if isinstance(item, Setting))
    return next((item.value for item in items if _text_of(item.name) == setting), None)


def _shell_of(block: Block) -> str:
    value = _value_of(block, "shell")
    return (value.word or "sh") if isinstance(value, Reference) else "sh"


def _text_of(name: Name | String) -> str:
    return name.static_text if isinstance(name, String) else name.text


def _holds(part: Value | Text, at: int) -> bool:
    return part.span.start <= at < part.span.end


def _in_string(text: str, string: String) -> str:
    """A text as it is written in a string, which has escapes if it stands in `"` on one line."""
    return text if string.is_block or string.is_literal else text.replace('"', '\\"')
