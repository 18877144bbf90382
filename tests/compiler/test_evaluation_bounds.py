"""The bounds of evaluation: whatever a file or an argument asks for ends soon, at its place."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from tests.compiler.test_mutations import check

HANG_S = 60
"""No test here depends on speed; this one only keeps a hang from lasting."""


@pytest.fixture(autouse=True)
def _guard() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"still evaluating after {HANG_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANG_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def compiled(folder: Path, text: str, **given: Any) -> Compilation:
    text = f"pipeline p {{ }}\nstage s {{ run = 'true' }}\n{text}\n"
    (folder / "p.pipeline").write_text(text, encoding="utf-8")
    compilation = compile_pipeline(str(folder), "p.pipeline", Request(**given))
    check(compilation)
    return compilation


def grown(first: str, step: str, times: int) -> str:
    """Lets `l0` to `lN`, each made of the one before."""
    lets = [f"let l0 = {first}"]
    lets += [f"let l{at} = {step.replace('L', f'l{at - 1}')}" for at in range(1, times + 1)]
    return "\n".join(lets)


NINES = "9" * 4_301
"""More digits than Python itself would read."""
LARGE = "let a = {{ range(10000) | join('x') }}\nlet b = {{ a ~ a ~ a ~ a ~ a ~ a }}\n"
LARGEST = LARGE + "let c = {{ b ~ b ~ b }}\n"

PAST_A_LIMIT = {
    "join": ("let x = {{ range(10000) | join(range(10000) | join) }}", "E0506"),
    "joined texts": (LARGEST + "let x = {{ c ~ c }}", "E0506"),
    "replace": (LARGEST + "let x = {{ c | replace('x', 'abc') }}", "E0506"),
    "replace nothing": ("let x = {{ 'a' | replace('', range(10000) | join) }}", "E0506"),
    "doubled texts": (grown("'0123456789'", "{{ L ~ L }}", 40), "E0506"),
    "doubled lists": (grown("'a'", "{{ [L, L] }}", 40), "E0506"),
    "doubled maps": (grown("'a'", "{{ {'a': L, 'b': L} }}", 40), "E0506"),
    "json": (grown("{{ range(1000) }}", "{{ {'a': L, 'b': L} | json }}", 30), "E0506"),
    "lists in lists": (grown("1", "{{ [L] }}", 3_000) + "\nlet x = {{ l3000 | json }}", "E0506"),
    "maps in maps": (grown("1", "{{ {'a': L} }}", 3_000) + "\nlet x = {{ l3000 | json }}", "E0506"),
    "written lists": (grown("1", "[{{ L }}]", 3_000) + "\nlet x = {{ l3000 == l3000 }}", "E0506"),
    "quote": (
        LARGE + "let x = {{ range(10000) | join(\"''''\") | quote | quote | quote }}",
        "E0506",
    ),
    "sort": (LARGEST + "let x = {{ c | split('x') | sort }}", "E0506"),
    "in a list": (LARGE + "let x = {{ 'y' in (a | split('x')) }}", "E0506"),
    "range": ("let x = {{ range(-9223372036854775807, 9223372036854775807) }}", "E0506"),
    "an int": (f"let x = {NINES}", "E0105"),
    "an int with dashes": (f"let x = {'9_' * 5_000}9", "E0105"),
    "a duration": (f"let x = {NINES}ms", "E0105"),
    "a float": (f"let x = {NINES}.5", "E0105"),
    "an int in a template": (f"let x = {{{{ {NINES} }}}}", "E0501"),
    "a hexadecimal": (f"let x = {{{{ 0x{'f' * 5_000} }}}}", "E0501"),
    "a float in a template": ("let x = {{ 1e999 }}", "E0501"),
    "a power": ("let x = {{ 9 ** 99999999 }}", "E0506"),
    "powers": ("let x = {{ 9 ** 9 ** 9 ** 9 ** 9 }}", "E0506"),
    "a power with a fraction": ("let x = {{ 1e308 ** 2 }}", "E0506"),
    "a negative number's power": ("let x = {{ (0 - 8) ** 0.5 }}", "E0506"),
    "a sum": ("let x = {{ 9223372036854775807 + 1 }}", "E0506"),
    "a text as int": (f"let x = {{{{ '{NINES}' | int }}}}", "E0506"),
    "a text as float": (f"let x = {{{{ '{NINES}' | float }}}}", "E0506"),
    "nan": ("let x = {{ 'nan' | float }}", "E0506"),
    "infinity": ("let x = {{ 1e308 * 10 }}", "E0506"),
    "infinity less itself": ("let x = {{ 1e308 * 10 - 1e308 * 10 }}", "E0506"),
    "a text multiplied": ("let x = {{ 'a' * 1000000000 }}", "E0506"),
    "a list multiplied": ("let x = {{ [1] * 1000000000 }}", "E0506"),
}


@pytest.mark.parametrize("kind", PAST_A_LIMIT)
def test_what_goes_past_a_limit_is_told_at_its_place(kind: str, tmp_path: Path) -> None:
    """Once: what hangs on it isn't told too."""
    text, code = PAST_A_LIMIT[kind]
    found = [d for d in compiled(tmp_path, text).diagnostics if d.is_error]
    assert [(d.code, d.span is not None) for d in found] == [(code, True)]


WITHIN_LIMITS = {
    "in and replace": LARGEST + "let x = {{ c in c and (c | replace('x', 'y')) != c }}",
    "not in": LARGEST + "let x = {{ (b ~ 'y') in c }}",
    "sort": "let x = {{ range(10000) | join(',') | split(',') | sort | last }}",
    "unique": "let x = {{ range(10000) | join(',') | split(',') | unique | length }}",
    "64 levels": grown("1", "{{ [L] }}", 64) + "\nlet x = {{ l64 | json }}",
    "a long chain": grown("1", "{{ L + 1 }}", 3_000) + "\nlet x = {{ l3000 }}",
}


@pytest.mark.parametrize("kind", WITHIN_LIMITS)
def test_what_is_large_and_within_the_limits_has_a_value(kind: str, tmp_path: Path) -> None:
    found = compiled(tmp_path, WITHIN_LIMITS[kind]).diagnostics
    assert [d for d in found if d.is_error] == []


ARGUMENTS = {
    "lists": "[" * 10_000 + "]" * 10_000,
    "maps": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "open lists": "[" * 100_000,
    "nan": "[NaN]",
    "infinity": "[1e999]",
    "digits": f"[{NINES}]",
    "plain nan": "nan",
    "plain infinity": "1e999",
    "plain digits": NINES,
    "plain digits with a fraction": f"{NINES}.5",
}
TYPES = ("int", "float", "duration", "size", "bool", "list<int>", "list<list<float>>", "map<float>")


@pytest.mark.parametrize("kind", ARGUMENTS)
@pytest.mark.parametrize("type_", TYPES)
def test_an_argument_beyond_all_bounds_is_refused(kind: str, type_: str, tmp_path: Path) -> None:
    """At the parameter that it is for, and shown in short."""
    compilation = compiled(tmp_path, f"param p: {type_}", arguments={"p": ARGUMENTS[kind]})
    found = [d for d in compilation.diagnostics if d.is_error]
    assert [(d.code, d.span is not None) for d in found] == [("E0401", True)]
    assert len(found[0].message) < 150


@pytest.mark.parametrize("type_", [*TYPES, "string"])
def test_a_value_beyond_all_bounds_is_refused(type_: str, tmp_path: Path) -> None:
    """As Python's own callers, TOML and JSON files give it."""
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    for value in (deep, float("nan"), float("inf"), 10**5_000):
        compilation = compiled(tmp_path, f"param p: {type_}", argument_values={"p": value})
        found = [d for d in compilation.diagnostics if d.is_error]
        assert [(d.code, d.span is not None) for d in found] == [("E0401", True)]
