"""What `orch check` finds where required parameters have no arguments: all that their types say."""

from pathlib import Path
from typing import Any

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request

PARAMS = """\
pipeline demo { }
param s: string
param i: int
param d: duration
param z: size
param p: path
param l: list<string>
param n: list<int>
param m: map<int>
let h = {{ params.s }}
"""
ARGUMENTS: dict[str, Any] = {
    "s": "text",
    "i": 3,
    "d": "30s",
    "z": "1KiB",
    "p": "folder",
    "l": ["a"],
    "n": [3],
    "m": {"a": 1},
}


def told(root: Path, block: str, *, is_given: bool) -> list[tuple[str, str, object]]:
    """What is said of a block's use of parameters, with and without their arguments."""
    (root / "lib.pipeline").write_text('param i: int\nstage run { run = ["true", "{{ i }}"] }\n')
    unused = "".join(f"let use_{name} = {{{{ params.{name} | json }}}}\n" for name in "silmnp")
    (root / "main.pipeline").write_text(f"{PARAMS}{unused}{block}\n")
    request = Request(argument_values=ARGUMENTS if is_given else {}, demand_arguments=False)
    found = compile_pipeline(str(root), "main.pipeline", request).diagnostics
    return [(d.code, d.message, d.span) for d in found if d.code != "W0701"]


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ('stage a { run = "true", timeout = {{ params.s }} }', "E0401"),
        ('stage a { run = "true", timeout = {{ params.i }} }', "E0401"),
        ('stage a { run = "true", cwd = {{ params.i }} }', "E0401"),
        ('stage a { run = "true", when = {{ h }} }', "E0401"),
        ('stage a { run = "true", inputs = {{ params.s }} }', "E0401"),
        ('stage a { run = "true", env = {{ params.l }} }', "E0401"),
        ('stage a { run = "true", summary = {{ params.l }} }', "E0401"),
        ('stage a { run = "true", title = "{{ params.l }}" }', "E0508"),
        ('stage a { run = "true", matrix { x = {{ params.s }} } }', "E0401"),
        ('stage a { run = ["true", "{{ params.d }}"] }', "E0508"),
        ('stage a { run = ["true", {{ params.m }}] }', "E0508"),
        ('stage a { run = "true -- {{ params.z }}" }', "E0508"),
        ('stage a { run = "true --x={{ params.l }}" }', "E0508"),
        ('use "lib.pipeline" as lib { with { i = {{ params.s }} } }', "E0401"),
        ('stage a { run = "cat {{ params.s }}" }', "W0704"),
        ('stage a { run = "cat {{ params.p }} -- {{ params.i }}" }', "W0704"),
        ('stage a { run = "cat {{ params.l }}" }', "W0704"),
    ],
)
def test_the_type_of_a_missing_argument_is_judged(tmp_path: Path, block: str, code: str) -> None:
    """The same is said, at the same place, as where the argument is there."""
    without = told(tmp_path, block, is_given=False)
    assert [found for found, *_ in without] == [code]
    assert without == told(tmp_path, block, is_given=True)


@pytest.mark.parametrize(
    "block",
    [
        'stage a { run = "true", when = {{ params.s and params.s == "x" }} }',
        'stage a { run = "true", when = {{ params.i > 1 if params.l else true }} }',
        'stage a { run = "true", timeout = {{ params.d }}, retry { factor = {{ params.i }} } }',
        'stage a { run = "true", cwd = {{ params.s }}, env { P = {{ params.p }} } }',
        'stage a { run = "true", inputs = {{ params.l }}, matrix { x = {{ params.n }} } }',
        'stage a { run = "exec serve {{ params.i }} {{ params.n }}" }',
        'stage a { run = ["true", {{ params.l }}, {{ params.i }}, "{{ params.s }}"] }',
        'stage a { run = "print({{ params.m }}, {{ params.l }})", shell = python }',
        'use "lib.pipeline" as lib { with { i = {{ params.i }} } }',
    ],
)
def test_what_an_argument_could_make_right_is_no_mistake(tmp_path: Path, block: str) -> None:
    """Neither of an expression whose type hangs on the value, nor of a type that fits."""
    assert told(tmp_path, block, is_given=False) == []
