"""Values that a stage's variables carry into its own script: data, unless that evaluates them.

`env { N = "{{ … }}" }` is the way out where a value can't be escaped (E0504). With `$((N))` in the
script it would be code all the same, which is the lint W0703, as it is for the script's own
variables.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from orch.compiler.evaluate import EvaluationError, evaluate
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Expression
from orch.compiler.quoting import evaluated_again, is_number
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.shell_grammar import find_evaluated_variables
from orch.compiler.value_nodes import templates_in
from orch.dsl.tree import Map, Name, String, Template, Text, Value


def judge_carried_values(section: Section, shell: str | None, reader: Reader) -> None:
    """Reports the values in a section's `env` that its own script takes apart as code (W0703)."""
    run = section.settings.get("run")
    if run is None or shell not in {"sh", "bash"} or not isinstance(run.value, String):
        return
    for name, value in _variables(section):
        for template in templates_in(value):
            evaluator = _evaluators(run.value, shell).get(name)
            if evaluator is not None:
                _judge(template, evaluator, reader)


def _variables(section: Section) -> Iterator[tuple[str, Value]]:
    """The names of a section's variables and their values, as far as they are written out."""
    block, setting = section.sections.get("env"), section.settings.get("env")
    for entry in block.entries if block is not None else ():
        yield _text(entry.name), entry.value
    if setting is not None and isinstance(setting.value, Map):
        yield from ((_text(entry.key), entry.value) for entry in setting.value.entries)


@lru_cache(maxsize=1024)
def _evaluators(script: String, shell: str) -> Mapping[str, str]:
    pieces = [part.text if isinstance(part, Text) else None for part in script.parts]
    return find_evaluated_variables(pieces, is_bash=shell == "bash")


def _judge(template: Template, evaluator: str, reader: Reader) -> None:
    expression = parse_expression(template, reader.path)
    if not isinstance(expression, Expression):
        return
    try:
        value = evaluate(expression, reader.scope, may_be_late=True)
    except EvaluationError:
        return
    is_quoted = expression.last_filter == "quote"
    if not is_quoted and not is_number(expression, value, reader.scope):
        reader.found.append(evaluated_again(evaluator, expression))


def _text(name: Name | String) -> str:
    return name.text if isinstance(name, Name) else name.static_text
