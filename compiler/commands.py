"""What a stage starts: its `run` and `shell` as an argument list, and the values bound to it.

A script is an argument of its shell (`sh -eu -c SCRIPT`). The kernel takes at most 128 KiB in one
argument, so a longer script is refused here, where the author can see it, and not by a failing
start (E0508).
"""

from collections.abc import Iterator, Mapping
from posixpath import basename
from typing import Any

from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Expression
from orch.compiler.functions import single_quoted
from orch.compiler.quoting import prepare_script, quote_script, taken_apart
from orch.compiler.reading import Reader
from orch.compiler.shapes import Scalar
from orch.compiler.shell_readers import second_readers
from orch.compiler.value_nodes import templates_in
from orch.compiler.values import UNKNOWN, Late, Unknown, example_of
from orch.compiler.words import TEMPLATE, Word
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.tree import List, String, Template, Text, Value

LONGEST_ARGUMENT_BYTES = 128 * 1024 - 1
"""MAX_ARG_STRLEN of Linux, without the NUL at the end."""

_STARTED_AS: Mapping[str, tuple[str, ...]] = {
    "sh": ("/bin/sh", "-eu", "-c"),
    "bash": ("bash", "-euo", "pipefail", "-c"),
    "python": ("python3", "-c"),
    "node": ("node", "-e"),
}
_TEXT = Scalar("string")


@record
class Command:
    """`argv` holds no template any more; `bindings` give the variables that it reads. `shell` is
    None for a program that is started without one."""

    argv: tuple[str, ...]
    shell: str | None
    bindings: Mapping[str, str]


NO_COMMAND = Command(("true",), None, {})
"""Stands where a command is missing or wrong, which was reported."""


def read_command(run: Value, shell: str | None, reader: Reader, name: str = "run") -> Command:
    """The command of a `run` setting: a script for `shell`, or a list.

    Without a `shell`, because it is wrong or not known yet, no place in a script can be judged.
    """
    match run:
        case List():
            return _program(run, reader, name)
        case String():
            return _script(run, shell, reader)
        case Template():
            # A bare template is a list of arguments, or one word: a value never becomes code.
            value = reader.evaluate(run, True)
            if isinstance(value, (tuple, list)):
                return _program(List((run,), run.span), reader, name)
            if isinstance(value, (str, Late)):
                return _script(String((run,), run.span, False, False), shell, reader)
            reader.fitted(value, _TEXT, name, run.span)
            return NO_COMMAND
    reader.shaped(run, _TEXT, name)
    return NO_COMMAND


def _script(script: String, shell: str | None, reader: Reader) -> Command:
    if shell is None:
        for part in script.parts:
            if isinstance(part, Template):
                reader.evaluate(part, True)
        return NO_COMMAND
    if script.is_static:
        text = script.static_text
        if not is_fit_for_a_command(text, script.span, reader):
            return NO_COMMAND
        return Command((*_STARTED_AS[shell], text), shell, {})
    prepared = prepare_script(script, shell, reader.path)
    expressions = [part for part in prepared.parts if isinstance(part, Expression)]
    judged = [reader.check(expression) for expression in expressions]
    if not all(judged):
        reader.found.extend(prepared.diagnostics)
        return NO_COMMAND
    quoted = quote_script(prepared, reader.scope)
    reader.found.extend(quoted.diagnostics)
    if quoted.text is None or not is_fit_for_a_command(quoted.text, script.span, reader):
        return NO_COMMAND
    return Command((*_STARTED_AS[shell], quoted.text), shell, quoted.bindings)


def _program(run: List, reader: Reader, name: str) -> Command:
    """One program and its arguments; an item that is a whole list becomes several."""
    reader.found.extend(_taken_apart(run, reader.path))
    items: list[str | Late] = []
    is_sound = True
    for node in run.items:
        if isinstance(node, Template):
            value = reader.evaluate(node, True)
            many = value if isinstance(value, (tuple, list)) else (value,)
            texts = [_argument(one, node, reader) for one in many]
        else:
            texts = [reader.shaped(node, _TEXT, name, may_be_late=True)]
        for text in texts:
            if isinstance(text, Unknown) or not is_fit_for_a_command(text, node.span, reader):
                is_sound = False
            else:
                items.append(text)
    if is_sound and (not items or items[0] == ""):
        reader.report("E0402", f"`{name}` names no program", run.span)
    if not items or not is_sound:
        return NO_COMMAND
    if any(isinstance(item, Late) for item in items):
        return _program_with_late(items)
    return Command(tuple(item for item in items if isinstance(item, str)), None, {})


def _taken_apart(run: List, path: str) -> Iterator[Diagnostic]:
    """Values in arguments that the program reads as code, as `sh -c` does (W0703)."""
    words = [_word(item) for item in run.items]
    names = [None if word.literal is None else basename(word.literal) for word in words]
    readers = second_readers(words, names) if words else {}
    for number, item in enumerate(run.items[1:], start=1):
        name = readers.get(number)
        for template in templates_in(item):
            expression = parse_expression(template, path)
            if name is not None and isinstance(expression, Expression):
                yield from taken_apart(name, expression)


def _word(item: Value) -> Word:
    """An item as the word that it would be to a shell."""
    parts = item.parts if isinstance(item, String) else (None,)
    text = "".join(part.text if isinstance(part, Text) else TEMPLATE for part in parts)
    return Word(item.span.start, source=text, text=text)


def _argument(value: Any, node: Template, reader: Reader) -> Any:
    if isinstance(value, Unknown) and isinstance(example_of(value), tuple):
        return UNKNOWN
    return reader.text_of_template(node, value)


def _program_with_late(items: list[str | Late]) -> Command:
    """A program some of whose arguments are known only while running. The plan's argument list is
    fixed, so a shell puts the bound variables in place, each as one argument, and is replaced."""
    words: list[str] = []
    bindings: dict[str, str] = {}
    for item in items:
        if isinstance(item, Late):
            variable = f"ORCH_B{len(bindings) + 1}"
            bindings[variable] = item.text
            words.append(f'"${variable}"')
        else:
            words.append(single_quoted(item))
    script = "exec " + " ".join(words)
    return Command((*_STARTED_AS["sh"], script), None, bindings)


def is_fit_for_a_command(value: Any, span: Span, reader: Reader) -> bool:
    """Whether a text can be handed to a process; E0508 where it can't."""
    if not isinstance(value, str):
        return True
    if "\0" in value:
        reader.report("E0508", "a command can't hold NUL", span)
        return False
    if len(value) > LONGEST_ARGUMENT_BYTES // 4:
        size = len(value.encode("utf-8", "surrogatepass"))
        if size > LONGEST_ARGUMENT_BYTES:
            message = f"a command takes at most 128 KiB in one text, and this has {size:,} bytes"
            reader.report("E0508", message, span, "put it into a file, or into `stdin`")
            return False
    return True
