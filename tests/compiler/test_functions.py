"""Filters and functions: what each gives, and what it refuses."""

from typing import Any

import pytest

from orch.compiler.functions import FILTERS
from orch.compiler.names import Scope
from orch.compiler.values import DurationMs, Raw, SizeBytes, WrittenFloat
from tests.compiler.written import failure, failures, value

SCOPE = Scope(
    params={
        "words": ("b", "a", "b"),
        "mixed": ("a", 1),
        "nothing": (),
        "labels": {"b": 1, "a": "x"},
        "wait": DurationMs(1500),
        "long": DurationMs(120_000),
        "room": SizeBytes(65536),
        "nested": ((1,), (2,)),
    }
)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("words | join('-')", "b-a-b"),
        ("words | join", "bab"),
        ("[1, true, 2.50] | join(' ')", "1 true 2.50"),
        ("nothing | join(',')", ""),
        ("'Ab' | lower ~ 'Ab' | upper", "abAB"),
        ("'  x ' | trim", "x"),
        ("'--x--' | trim('-')", "x"),
        ("'a/b/c' | replace('/', '.')", "a.b.c"),
        ("'a/b/c' | replace('/', '.', 1)", "a.b/c"),
        ("'a/b' | replace(old='/', new='')", "ab"),
        ("'a,b,,c' | split(',')", ("a", "b", "", "c")),
        ("' a  b ' | split", ("a", "b")),
        ("'a,b,c' | split(',', 1)", ("a", "b,c")),
        ("words | first ~ words | last", "bb"),
        ("'xyz' | first ~ 'xyz' | last", "xz"),
        ("words | length + 'abcd' | length + labels | length", 9),
        ("words | unique", ("b", "a")),
        ("[1, true, 1, 0, false] | unique", (1, True, 0, False)),
        ("words | sort", ("a", "b", "b")),
        ("[3, 1.5, 2] | sort(reverse=true)", (3, 2, 1.5)),
        ("['b', 'B', 'a'] | sort", ("B", "a", "b")),
        ("'42' | int + '-1_0' | int", 32),
        ("3.9 | int", 3),
        ("true | int", 1),
        ("'2.5' | float", 2.5),
        ("'2.50' | float ~ ''", "2.50"),
        ("3 | float ~ ''", "3.0"),
        ("true | string ~ 3 | string", "true3"),
        ("'ab' | list", ("a", "b")),
        ("labels | list", ("b", "a")),
        ("labels | json", '{"a":"x","b":1}'),
        ('["é\\n", 1.5, true] | json', '["é\\n",1.5,true]'),
        ('"it\'s" | quote', "'it'\\''s'"),
        ("words | quote", "'b' 'a' 'b'"),
        ("'' | quote", "''"),
        ("'src/app/main.py' | basename", "main.py"),
        ("'src/app/main.py' | dirname", "src/app"),
        ("'main.py' | dirname", "."),
        ("'src/main.tar.gz' | stem", "main.tar"),
        ("'.bashrc' | stem", ".bashrc"),
        ("wait | seconds", 1.5),
        ("long | seconds", 120),
        ("room | bytes", 65536),
        ("'$x' | raw", Raw("$x")),
        ("range(3)", (0, 1, 2)),
        ("range(2, 5)", (2, 3, 4)),
        ("range(5, 2)", ()),
        ("range(10000) | length", 10000),
        ("labels.nope | default('d')", "d"),
        ("labels['nope'] | default('d')", "d"),
        ("words[9] | default('d')", "d"),
        ("nothing | first | default('d')", "d"),
        ("labels.a | default('d')", "x"),
        ("'' | default('d')", ""),
        ("'' | default('d', true)", "d"),
        ("0 | default('d', boolean=true)", "d"),
        ("labels.nope.deeper | default('d')", "d"),
        ("'a' | default(1 / 0)", "a"),
    ],
)
def test_a_filter_gives(inside: str, expected: Any) -> None:
    found = value(inside, SCOPE)
    assert found == expected
    assert type(found) in {type(expected), WrittenFloat}


@pytest.mark.parametrize(
    "inside",
    [
        "words | lower",
        "'a' | join(',')",
        "[words] | join",
        "wait | string",
        "words | string",
        "labels | string",
        "'abc' | replace('', 'x')",
        "'abc' | split('')",
        "nothing | first",
        "nothing | last",
        "3 | length",
        "mixed | sort",
        "nested | sort",
        "[true, false] | sort",
        "nested | unique",
        "'' | int",
        "'3.0' | int",
        "' 3' | int",
        "'abc' | int",
        "'9999999999999999999' | int",
        "1e300 | int",
        "words | int",
        "'nan' | float",
        "'inf' | float",
        "'1e999' | float",
        "3 | list",
        "wait | json",
        "[room] | json",
        "3 | basename",
        "3 | seconds",
        "room | seconds",
        "wait | bytes",
        "words | raw",
        "range('a')",
        "range(0.5)",
        "range()",
        "range(1, 2, 3)",
    ],
)
def test_a_filter_refuses(inside: str) -> None:
    assert failure(inside, SCOPE).code == "E0506"


def test_missing_units_name_the_filter_that_says_them() -> None:
    assert failure("wait | string", SCOPE).help == "say the unit: `| seconds`"
    assert failure("[room] | json", SCOPE).help == "say the unit: `| bytes`"


def test_all_filters_of_the_language_are_there_and_no_others() -> None:
    """language.md section 6."""
    listed = (
        "default join lower upper trim replace split first last length unique sort int float "
        "string list json quote basename dirname stem seconds bytes raw"
    )
    assert set(FILTERS) == set(listed.split())


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize(
    "operand", ["''", "0", "0 - 1", "1.5", "true", "[]", "[[]]", "{}", "wait", "room", "nested"]
)
def test_every_filter_is_total(name: str, operand: str) -> None:
    """Whatever stands before it, a filter gives a value or a diagnostic, never an exception."""
    arguments = {"default": "('x')", "replace": "('a', 'b')"}.get(name, "")
    inside = f"({operand}) | {name}{arguments}"
    assert {code for code, _ in failures(inside, SCOPE)} <= {"E0506"}
